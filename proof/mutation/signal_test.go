package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hangs is a test that hangs when it is broken. It holds a connection meanwhile, which shows that
// it runs, and that it has ended.
const hangs = `import ("net"; "testing")

func TestHang(t *testing.T) {
	if Sum(1, 0) == 1 {
		return
	}
	if _, err := net.Dial("tcp", %q); err != nil {
		t.Fatal(err)
	}
	select {}
}`

// threeBreaks has one break that survives, and two that hang.
const threeBreaks = "tiny.go: a\n-a + b\n+a + 2*b\n\ntiny.go: b\n-a + b\n+b\n\ntiny.go: c\n-a + b\n+b\n"

func listen(t *testing.T) net.Listener {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that reaches a group of processes: the test binaries end by their own timeout there")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(5*time.Minute)))
	t.Cleanup(func() { listener.Close() })
	return listener
}

// ends requires the process that holds the other side of c to end.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	n, err := io.Copy(io.Discard, c)
	require.NoError(t, err, "it runs on")
	require.Zero(t, n)
}

// started starts this command in a repository whose test hangs when it is broken.
func started(t *testing.T, listener net.Listener) (c *exec.Cmd, stdout io.ReadCloser, stderr *bytes.Buffer, temporary string) {
	t.Helper()
	temporary = tiny(t, sum, fmt.Sprintf(hangs, listener.Addr()))
	self, err := os.Executable()
	require.NoError(t, err)
	c, stderr = exec.CommandContext(t.Context(), self, "-tests", "."), new(bytes.Buffer)
	c.Env = append(os.Environ(), asCommand+"="+threeBreaks)
	c.Stderr = stderr
	stdout, err = c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	hurry := time.AfterFunc(5*time.Minute, func() { _ = c.Process.Kill() })
	t.Cleanup(func() { hurry.Stop() })
	return c, stdout, stderr, temporary
}

func TestSignalEndsAllAtOnce(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(s.String(), func(t *testing.T) {
			if s == syscall.SIGHUP && signal.Ignored(s) {
				t.Skip("it is ignored here, as under nohup, and so the command ignores it too")
			}
			listener := listen(t)
			c, stdout, stderr, temporary := started(t, listener)
			hung, err := listener.Accept()
			require.NoError(t, err)
			require.NoError(t, c.Process.Signal(s))
			out, err := io.ReadAll(stdout)
			require.NoError(t, err)
			require.EqualError(t, c.Wait(), "exit status 1")
			require.Equal(t, "mutation: interrupted after 1 of 3 breaks\n", stderr.String())
			require.Contains(t, string(out), "\n0 caught, 1 survived, 0 known to survive, 0 broken\n")
			empty(t, temporary)
			ends(t, hung)
		})
	}
}

// As with a pipe to head -1.
func TestClosedOutputEndsAll(t *testing.T) {
	c, stdout, stderr, temporary := started(t, listen(t))
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "the tests passed without a break in ")
	require.NoError(t, stdout.Close())
	require.EqualError(t, c.Wait(), "exit status 1")
	require.Regexp(t, "^mutation: interrupted after [1-3] of 3 breaks\n$", stderr.String())
	empty(t, temporary)
}
