package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// What a poll brought in a process of its own: net/http reads the proxy, and
// crypto/x509 the root certificates, from the environment once.
type outcome struct {
	Status, Error, Kind string
	Verdict             poller.Verdict
}

const (
	pollThis = "POLLER_TEST_ENDPOINT"
	dialThis = "POLLER_TEST_ADDRESS" // "" is what the endpoint or the proxy says
)

// inAnotherProcess polls with the environment as given. TestMain calls pollOnce there.
func inAnotherProcess(t *testing.T, endpoint string, env ...string) (o outcome) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(within(t, 20*time.Second), self)
	child.Env = append(env, pollThis+"="+endpoint, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir())
	var failure bytes.Buffer
	child.Stderr = &failure
	out, err := child.Output()
	require.NoError(t, err, failure.String())
	require.NoError(t, json.Unmarshal(out, &o), "%s", out)
	require.Empty(t, failure.String())
	return o
}

func pollOnce(endpoint string) {
	opts := []poller.Option{poller.WithCredential(credential.Token(token)), poller.WithPlainHTTP()}
	if address := os.Getenv(dialThis); address != "" {
		transport := poller.NewTransport()
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		opts = append(opts, poller.WithHTTPClient(&http.Client{Transport: transport}))
	}
	c, err := poller.New(endpoint, "project", opts...)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := c.Poll(ctx, jobID)
	o := outcome{Status: string(reply.Job.Status), Kind: poller.Kind(err), Verdict: poller.Classify(err)}
	if err != nil {
		o.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		panic(err)
	}
}

// proxy connects every host to the one server.
type proxy struct {
	target string
	status int // of its responses; 200 for those of the server

	mu    sync.Mutex
	asked []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	if p.status != 200 {
		w.WriteHeader(p.status)
		return
	}
	if r.Method != http.MethodConnect {
		answer(200, good)(w, r)
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	// The 200 is sent after Hijack: otherwise its buffer would hold what the client sends first.
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(server, client)
	io.Copy(client, server)
}

// trust returns what has a process trust the certificate.
func trust(t *testing.T, leaf []byte) (env string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), 0o600))
	return "SSL_CERT_FILE=" + file
}

func TestProxyOfTheEnvironment(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the system's root certificates can't be replaced by a file here")
	}
	c := certificate(t, host, time.Now().Add(time.Hour))
	s := serveTLS(t, c, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Host != host || r.Header.Get("X-Auth-Token") != token {
			t.Error(r.Proto, r.Host)
		}
		answer(200, good)(w, r)
	})
	const secure, plain = "https://" + host, "http://" + host
	server := s.Listener.Addr().String()
	dial, roots := dialThis+"="+server, trust(t, c.Leaf.Raw)

	const (
		user    = " Basic cHJveHl1c2VyOnByb3h5c2VjcmV0"
		connect = "CONNECT " + host + ":443" + user
		get     = "GET " + plain + "/v1/project/sfs-turbo/jobs/" + jobID + user
	)
	refused := func(status string, v poller.Verdict) outcome {
		return outcome{Error: "no response from https://" + host + `, project project: the proxy $ responded with "` + status + `": check HTTPS_PROXY and NO_PROXY`, Kind: "network", Verdict: v}
	}
	running := outcome{Status: "running"}
	for name, c := range map[string]struct {
		endpoint string
		proxy    int      // its status
		env      []string // $ is the proxy's URL
		asked    string
		want     outcome
	}{
		"no proxy":                        {secure, 200, []string{dial}, "", running},
		"HTTPS_PROXY":                     {secure, 200, []string{"HTTPS_PROXY=$"}, connect, running},
		"https_proxy":                     {secure, 200, []string{"https_proxy=$"}, connect, running},
		"for http":                        {plain, 200, []string{"HTTP_PROXY=$", "HTTPS_PROXY=http://127.0.0.1:1"}, get, running},
		"for the other scheme":            {secure, 200, []string{"HTTP_PROXY=$", dial}, "", running},
		"NO_PROXY":                        {secure, 200, []string{"HTTPS_PROXY=$", "NO_PROXY=obs.example.com,.example.com", dial}, "", running},
		"NO_PROXY of others":              {secure, 200, []string{"HTTPS_PROXY=$", "NO_PROXY=obs.example.com"}, connect, running},
		"a proxy that wants a password":   {secure, 407, []string{"HTTPS_PROXY=$"}, connect, refused("407 Proxy Authentication Required", poller.Permanent)},
		"a proxy that does not let pass":  {secure, 403, []string{"HTTPS_PROXY=$"}, connect, refused("403 Forbidden", poller.Permanent)},
		"a proxy without a way":           {secure, 502, []string{"HTTPS_PROXY=$"}, connect, refused("502 Bad Gateway", poller.Passing)},
		"a server that is no proxy":       {secure, 404, []string{"HTTPS_PROXY=$"}, connect, refused("404 Not Found", poller.Passing)},
		"a proxy that wants one for http": {plain, 407, []string{"HTTP_PROXY=$"}, get, outcome{Error: "HTTP 407 Proxy Authentication Required from http://sfs-turbo.example.com, project project; a proxy on the way wants a user and a password: check HTTP_PROXY, HTTPS_PROXY and NO_PROXY", Kind: "407", Verdict: poller.Permanent}},
		"a proxy that is down": {secure, 200, []string{"HTTPS_PROXY=http://proxyuser:proxysecret@127.0.0.1:1"}, "", outcome{
			Error: "no response from https://" + host + ", project project: proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused; the proxy cannot be reached: check HTTPS_PROXY and NO_PROXY", Kind: "network"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &proxy{target: server, status: c.proxy}
			served := httptest.NewServer(p)
			defer served.Close()
			address := served.Listener.Addr().String()
			env := append([]string{roots}, c.env...)
			for i := range env {
				env[i] = strings.Replace(env[i], "$", "http://proxyuser:proxysecret@"+address, 1)
			}
			c.want.Error = strings.Replace(c.want.Error, "$", address, 1)
			assert.Equal(t, c.want, inAnotherProcess(t, c.endpoint, env...))
			p.mu.Lock()
			defer p.mu.Unlock()
			assert.Equal(t, c.asked, strings.Join(p.asked, "; "))
		})
	}
}
