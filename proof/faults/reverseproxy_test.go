package faults_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reverse is a reverse proxy from Debian: nginx or haproxy.
type reverse struct {
	t           *testing.T
	program     string
	args        []string
	reload      syscall.Signal
	plain, over string // the endpoints: HTTP/1.1, and HTTP/2 over TLS
	trusted     *x509.CertPool
	log         string // a file with one line per request: protocol, status
	running     *exec.Cmd
}

// Both serve the jobs under /, and close the connection or reset the stream of each request under
// /444. nginx also refuses what comes faster than 100 a second under /limit444 and /limit429.
const nginxConfig = `
daemon off;
%[5]s
pid %[1]s/nginx.pid;
error_log stderr crit;
events {}
http {
	log_format requests "$server_protocol $status";
	access_log %[1]s/requests.log requests;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	limit_req_zone $server_port zone=all:1m rate=100r/s;
	server {
		listen 127.0.0.1:%[2]s;
		listen 127.0.0.1:%[3]s ssl http2;
		ssl_certificate %[1]s/both.pem;
		ssl_certificate_key %[1]s/both.pem;
		location / { proxy_pass http://%[4]s/; }
		location /444/ { return 444; }
		location /limit444/ { limit_req zone=all burst=10 nodelay; limit_req_status 444; proxy_pass http://%[4]s/; }
		location /limit429/ { limit_req zone=all burst=10 nodelay; limit_req_status 429; proxy_pass http://%[4]s/; }
	}
}
`

const haproxyConfig = `
global
	log stdout format raw local0
	hard-stop-after 2s
	%[5]s
defaults
	mode http
	log global
	log-format "%%HV %%ST"
	timeout connect 1s
	timeout client 30s
	timeout server 30s
frontend jobs
	bind 127.0.0.1:%[2]s
	bind 127.0.0.1:%[3]s ssl crt %[1]s/both.pem alpn h2
	http-request reject if { path_beg /444/ }
	default_backend service
backend service
	server service %[4]s
`

// installed returns the path of a program, or skips the test. In CI the program must be there.
func installed(t *testing.T, name, from string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} { // no user has /usr/sbin in its PATH
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: apt-get install %s", name, from)
	}
	t.Skipf("%s is not installed: apt-get install %s", name, from)
	return ""
}

// behind starts a reverse proxy in front of a server's endpoint. The proxy stops with the test.
func behind(t *testing.T, name, endpoint string) *reverse {
	t.Helper()
	dir := t.TempDir()
	plain, over := free(t), free(t)
	r := &reverse{
		t: t, trusted: certify(t, filepath.Join(dir, "both.pem")), log: filepath.Join(dir, "requests.log"),
		plain: "http://127.0.0.1:" + plain, over: "https://127.0.0.1:" + over,
	}
	file, config, user := filepath.Join(dir, name+".conf"), nginxConfig, "user nobody nogroup;"
	switch name {
	case "nginx":
		r.program, r.reload = installed(t, name, "nginx-light"), syscall.SIGHUP
		r.args = []string{"-e", "stderr", "-p", dir, "-c", file}
	case "haproxy":
		r.program, r.reload = installed(t, name, "haproxy"), syscall.SIGUSR2
		r.args = []string{"-W", "-db", "-f", file}
		config, user = haproxyConfig, "user nobody\n\tgroup nogroup"
	}
	if os.Getuid() != 0 {
		user = "" // it is unprivileged already
	}
	config = fmt.Sprintf(config, dir, plain, over, strings.TrimPrefix(endpoint, "http://"), user)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	r.start()
	t.Cleanup(r.kill)
	return r
}

// start starts the program in a process group of its own, so that kill reaches its workers.
func (r *reverse) start() {
	requests, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(r.t, err)
	defer requests.Close()
	complaints, err := os.CreateTemp(filepath.Dir(r.log), "complaints")
	require.NoError(r.t, err)
	defer complaints.Close()
	r.running = exec.Command(r.program, r.args...)
	r.running.Stdout, r.running.Stderr = requests, complaints
	r.running.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(r.t, r.running.Start())
	for range 500 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.plain, "http://"))
		if err == nil {
			require.NoError(r.t, conn.Close())
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	said, _ := os.ReadFile(complaints.Name())
	require.Fail(r.t, r.program+" does not start", string(said))
}

// kill ends the program and its workers at once.
func (r *reverse) kill() {
	assert.NoError(r.t, syscall.Kill(-r.running.Process.Pid, syscall.SIGKILL))
	_ = r.running.Wait() // it says that it was killed
}

// requests returns how many requests the proxy has got, and how many of them over HTTP/2.
func (r *reverse) requests() (all, over2 int) {
	text, err := os.ReadFile(r.log)
	require.NoError(r.t, err)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "HTTP/") {
			all++
		}
		if strings.HasPrefix(line, "HTTP/2.0") {
			over2++
		}
	}
	return all, over2
}

// client returns an http.Client that trusts the proxy.
func (r *reverse) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: r.trusted},
		MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64,
	}}
}

// free returns a port that nothing listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// certify writes a certificate for 127.0.0.1 and its key to a file.
func certify(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	require.NoError(t, os.WriteFile(file, both, 0o600))
	leaf, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}
