package riverwait_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// cluster is a PostgreSQL server of the tests' own, started by the first test that needs it, on a
// free port, in a folder of its own, as a user without privileges.
var cluster postgres

type postgres struct {
	once      sync.Once
	reason    string // why there is none
	folder    string
	bin       string
	port      int
	databases atomic.Int32
}

// database returns the URL of a new database, or skips the test.
func (p *postgres) database(t testing.TB) string {
	p.once.Do(p.create)
	if p.reason != "" {
		t.Skip("no PostgreSQL, which .ci/run installs: " + p.reason)
	}
	name := fmt.Sprintf("test%d", p.databases.Add(1))
	conn, err := pgx.Connect(t.Context(), p.url("postgres"))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return p.url(name)
}

func (p *postgres) url(name string) string {
	return fmt.Sprintf("postgres://tests@127.0.0.1:%d/%s?sslmode=disable", p.port, name)
}

func (p *postgres) create() {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian's place for it
	if len(installed) == 0 {
		p.reason = "Debian's package postgresql is not installed"
		return
	}
	p.bin = slices.Max(installed)
	folder, err := os.MkdirTemp("", "riverwait")
	if err != nil {
		p.reason = err.Error()
		return
	}
	p.folder = folder
	if os.Getuid() == 0 {
		if out, err := exec.Command("chown", "postgres", folder).CombinedOutput(); err != nil {
			p.reason = string(out)
			return
		}
	}
	p.port, err = freePort()
	if err != nil {
		p.reason = err.Error()
		return
	}
	data := filepath.Join(folder, "data")
	if err := p.run("initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		p.reason = err.Error()
		return
	}
	settings := fmt.Sprintf("\nport = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = on\nmax_connections = 100\n", p.port)
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(settings)
		f.Close()
	}
	if err == nil {
		err = p.start()
	}
	if err != nil {
		p.reason = err.Error()
	}
}

func (p *postgres) start() error {
	return p.run("pg_ctl", "-D", filepath.Join(p.folder, "data"), "-l", filepath.Join(p.folder, "log"), "-w", "start")
}

// restart kills what the server is doing, as a crash does, and starts it again.
func (p *postgres) restart() error {
	return p.run("pg_ctl", "-D", filepath.Join(p.folder, "data"), "-l", filepath.Join(p.folder, "log"), "-m", "immediate", "-w", "restart")
}

func (p *postgres) stop() {
	if p.folder == "" {
		return
	}
	_ = p.run("pg_ctl", "-D", filepath.Join(p.folder, "data"), "-m", "immediate", "-w", "stop")
	_ = os.RemoveAll(p.folder)
}

// run runs a program of PostgreSQL, which refuses to run as root. Its output goes to a file: a
// server that it starts keeps a pipe open.
func (p *postgres) run(program string, args ...string) error {
	command := append([]string{filepath.Join(p.bin, program)}, args...)
	if os.Getuid() == 0 {
		command = append([]string{"runuser", "-u", "postgres", "--"}, command...)
	}
	out, err := os.CreateTemp("", "riverwait")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.folder, out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(text))
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
