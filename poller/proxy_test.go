package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	Final               bool // as the credential says
}

const (
	pollThis = "POLLER_TEST_ENDPOINT"
	dialThis = "POLLER_TEST_ADDRESS" // "" is what the endpoint or the proxy says
	loginAt  = "POLLER_TEST_IAM"     // a password is used; "" is a token
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
	authorized := credential.Token(token)
	if iam := os.Getenv(loginAt); iam != "" {
		var err error
		authorized, err = credential.Password(credential.PasswordOptions{IAMEndpoint: iam, User: "u", Password: "pa55word", Domain: "d", ProjectID: "project"})
		if err != nil {
			report(outcome{Error: err.Error()})
			return
		}
	}
	opts := []poller.Option{poller.WithCredential(authorized), poller.WithPlainHTTP()}
	if address := os.Getenv(dialThis); address != "" {
		transport := poller.NewTransport()
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		opts = append(opts, poller.WithHTTPClient(&http.Client{Transport: transport}))
	}
	c, err := poller.New(endpoint, "project", opts...)
	if err != nil {
		report(outcome{Error: err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := c.Poll(ctx, jobID)
	o := outcome{Status: string(reply.Job.Status), Kind: poller.Kind(err), Verdict: poller.Classify(err)}
	if err != nil {
		o.Error = err.Error()
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		o.Final = e.Permanent
	}
	report(o)
}

func report(o outcome) {
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		panic(err)
	}
}

// proxy connects every host to the one server.
type proxy struct {
	target string
	status int    // of its responses; 200 for those of the server
	said   string // instead of its response to CONNECT

	mu    sync.Mutex
	asked []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	if p.status != 200 && p.said == "" {
		w.WriteHeader(p.status)
		return
	}
	if p.said == "" && r.Method != http.MethodConnect {
		answer(200, good)(w, r)
		return
	}
	if p.said != "" {
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer client.Close()
		io.WriteString(client, p.said)
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
		t.Skip("here Go asks the system whether a certificate is good, and reads no SSL_CERT_FILE")
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
	refused := func(status, hint string, v poller.Verdict) outcome {
		return outcome{Error: "no response from https://" + host + `, project project: the proxy $ responded with "` + status + `": ` + hint, Kind: "network", Verdict: v}
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
		"a proxy that wants a password":   {secure, 407, []string{"HTTPS_PROXY=$"}, connect, refused("407 Proxy Authentication Required", "it wants a user and a password: put the right ones into HTTPS_PROXY, or this host into NO_PROXY", poller.Permanent)},
		"a proxy that does not let pass":  {secure, 403, []string{"HTTPS_PROXY=$"}, connect, refused("403 Forbidden", "it does not let requests to this host through: have it allow the host, or put the host into NO_PROXY", poller.Permanent)},
		"a proxy without a way":           {secure, 502, []string{"HTTPS_PROXY=$"}, connect, refused("502 Bad Gateway", "it does not reach this host: if this persists, check the host, or put it into NO_PROXY", poller.Passing)},
		"a server that is no proxy":       {secure, 404, []string{"HTTPS_PROXY=$"}, connect, refused("404 Not Found", "check HTTPS_PROXY and NO_PROXY", poller.Permanent)},
		"a proxy that wants one for http": {plain, 407, []string{"HTTP_PROXY=$"}, get, outcome{Error: "HTTP 407 Proxy Authentication Required from http://sfs-turbo.example.com, project project; a proxy on the way wants a user and a password: check HTTP_PROXY, HTTPS_PROXY and NO_PROXY", Kind: "407", Verdict: poller.Permanent}},
		"a proxy that is down": {secure, 200, []string{"HTTPS_PROXY=http://proxyuser:proxysecret@127.0.0.1:1"}, "", outcome{
			Error: "no response from https://" + host + ", project project: the proxy 127.0.0.1:1 can't be reached: proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused: check HTTPS_PROXY and NO_PROXY", Kind: "network"}},
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

// A poll and a login are judged the same.
func TestAProxyThatRefusesToConnect(t *testing.T) {
	const echoed = "HTTP/1.1 407 proxysecret cHJveHl1c2VyOnByb3h5c2VjcmV0\r\n\r\n"
	for name, c := range map[string]struct {
		status int
		said   string
		want   poller.Verdict
		text   string
	}{
		"a redirect":           {302, "", poller.Permanent, `responded with "302 Found": check HTTPS_PROXY and NO_PROXY`},
		"a wrong password":     {401, "", poller.Permanent, `responded with "401 Unauthorized": it wants a user and a password: put the right ones into HTTPS_PROXY, or this host into NO_PROXY`},
		"forbidden":            {403, "", poller.Permanent, `responded with "403 Forbidden": it does not let requests to this host through: have it allow the host, or put the host into NO_PROXY`},
		"no such method":       {405, "", poller.Permanent, `responded with "405 Method Not Allowed": check HTTPS_PROXY and NO_PROXY`},
		"no password":          {407, "", poller.Permanent, `responded with "407 Proxy Authentication Required": it wants a user and a password: put the right ones into HTTPS_PROXY, or this host into NO_PROXY`},
		"echoes the password":  {407, echoed, poller.Permanent, `responded with "407 [redacted] [redacted]": it wants a user and a password: put the right ones into HTTPS_PROXY, or this host into NO_PROXY`},
		"slow":                 {408, "", poller.Passing, `responded with "408 Request Timeout": check HTTPS_PROXY and NO_PROXY`},
		"throttled":            {429, "", poller.Passing, `responded with "429 Too Many Requests": check HTTPS_PROXY and NO_PROXY`},
		"without a way":        {502, "", poller.Passing, `responded with "502 Bad Gateway": it does not reach this host: if this persists, check the host, or put it into NO_PROXY`},
		"restarts":             {503, "", poller.Passing, `responded with "503 Service Unavailable": it does not reach this host: if this persists, check the host, or put it into NO_PROXY`},
		"no HTTP at all":       {200, "proxysecret\r\n\r\n", poller.Passing, `malformed HTTP response "[redacted]"`},
		"connects, and closes": {200, "HTTP/1.1 200 OK\r\n\r\n", poller.Passing, "the proxy, or what is behind it, closed the connection: if this persists"}, // as EOF, or a reset
	} {
		for way, env := range map[string][]string{"poll": nil, "login": {loginAt + "=https://iam.example.com"}} {
			t.Run(name+", "+way, func(t *testing.T) {
				served := httptest.NewServer(&proxy{status: c.status, said: c.said})
				defer served.Close()
				address := served.Listener.Addr().String()
				o := inAnotherProcess(t, "https://"+host, append(env, "HTTPS_PROXY=http://proxyuser:proxysecret@"+address)...)
				require.Equal(t, c.want, o.Verdict, o.Error)
				require.Equal(t, c.want == poller.Permanent && way == "login", o.Final)
				require.Contains(t, o.Error, "the proxy "+address)
				require.Contains(t, o.Error, c.text)
				require.NotContains(t, o.Error, "proxysecret")
				require.NotContains(t, o.Error, "cHJveHl1c2VyOnByb3h5c2VjcmV0")
			})
		}
	}
}

func TestAProxyWhoseNameDoesNotResolve(t *testing.T) {
	through := poller.WithHTTPClient(&http.Client{Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("proxyuser", "proxysecret"), Host: "proxy.example.com:3128"}),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "proxy.example.com", IsNotFound: true}
		},
	}})
	_, err := client(t, "https://"+host, through).Poll(t.Context(), jobID)
	require.EqualError(t, err, "no response from https://"+host+", project project: the proxy proxy.example.com:3128 can't be reached: "+
		"proxyconnect tcp: lookup proxy.example.com: no such host: check HTTPS_PROXY and NO_PROXY")
	require.Equal(t, poller.Passing, poller.Classify(err))
	require.Equal(t, "network", poller.Kind(err))
}

// net/url quotes what it can't parse.
func TestAProxyWhoseAddressIsNoURL(t *testing.T) {
	for _, address := range []string{"http://proxyuser:proxysecret%zz@127.0.0.1:1", "http://proxyuser:proxysecret#@127.0.0.1:1", "http://proxyuser:proxysecret x@127.0.0.1:1"} {
		transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(address) }}
		_, err := client(t, "https://"+host, poller.WithHTTPClient(&http.Client{Transport: transport})).Poll(t.Context(), jobID)
		require.EqualError(t, err, "no response from https://"+host+", project project: "+
			"the proxy's address is not a URL: percent-encode each special character in its user and its password")
		require.Equal(t, "network", poller.Kind(err))
	}
}

func TestATimeoutBehindAProxyIsATimeout(t *testing.T) {
	through := poller.WithHTTPClient(&http.Client{Transport: &http.Transport{
		Proxy:       http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example.com:3128"}),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, os.ErrDeadlineExceeded },
	}})
	_, err := client(t, "https://"+host, through).Poll(t.Context(), jobID)
	require.Equal(t, "timeout", poller.Kind(err), err)
}

func TestAProxyInTheClearThatEchoesItsPassword(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
		io.WriteString(w, "<title>"+r.Header.Get("Proxy-Authorization")+", proxysecret</title>")
	}))
	defer served.Close()
	o := inAnotherProcess(t, "http://"+host, "HTTP_PROXY=http://proxyuser:proxysecret@"+served.Listener.Addr().String())
	require.Equal(t, poller.Permanent, o.Verdict)
	require.Contains(t, o.Error, `"Basic [redacted], [redacted]"`)
}

// net/http ignores such a proxy without a word, or asks another host.
func TestAProxyThatNetHTTPMisreadsIsRefused(t *testing.T) {
	for way, env := range map[string][]string{"poll": nil, "login": {loginAt + "=https://iam.example.com"}} {
		for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
			o := inAnotherProcess(t, "https://"+host, append(env, variable+"=http://proxyuser:pa%ss@127.0.0.1:1")...)
			require.Contains(t, o.Error, variable+" is not read as the proxy that it is meant to be", way)
			require.NotContains(t, o.Error, "pa%ss")
		}
	}
	t.Setenv("HTTPS_PROXY", "http://proxyuser:12#34@127.0.0.1:1")
	_, err := poller.New("https://"+host, "project")
	require.ErrorContains(t, err, "poller: HTTPS_PROXY is not read as the proxy")
	_, err = poller.New("https://"+host, "project", poller.WithHTTPClient(&http.Client{Timeout: time.Second}))
	require.ErrorContains(t, err, "poller: HTTPS_PROXY is not read as the proxy")
	environment(t, waysToAuthorize["token"], map[string]string{"HW_PROJECT_ID": "p", "HW_REGION_NAME": "cn-north-4"})
	_, err = poller.FromEnv()
	require.ErrorContains(t, err, "poller: HTTPS_PROXY is not read as the proxy")
	environment(t, waysToAuthorize["password"], map[string]string{"HW_PROJECT_ID": "p", "HW_REGION_NAME": "cn-north-4"})
	_, err = poller.FromEnv()
	require.Equal(t, 1, strings.Count(err.Error(), "HTTPS_PROXY is not read"), "once: %v", err)
	environment(t, waysToAuthorize["token"], map[string]string{"HW_REGION_NAME": "cn-north-4", "NO_PROXY": "sfs-turbo.cn-north-4.myhuaweicloud.com"})
	_, err = poller.FromEnv()
	require.ErrorContains(t, err, "poller: HTTPS_PROXY is not read as the proxy", "for IAM, to look up the project")
	_, err = poller.New("https://"+host, "project", poller.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
	require.NoError(t, err, "a transport that does not use the environment")
	_, err = poller.New("https://127.0.0.1", "project")
	require.NoError(t, err, "never by a proxy")
}
