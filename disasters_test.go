package waiter_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/internal/wire/wiretest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// TestDisasters prints what a user sees of a night that goes wrong outside the wait: in an engine
// that stores it, in a proxy, a clock, an environment or another program. Each text must say by
// itself which job it is about, in what state that is, why, and what to do next.
func TestDisasters(t *testing.T) {
	var text strings.Builder
	for _, d := range disasters {
		synctest.Test(t, func(t *testing.T) {
			var lines strings.Builder
			err := d.end(t, waiter.WithLogger(logLines(&lines)))
			require.Equal(t, d.logged, err == nil, "%s: %v", d.what, err)
			text.WriteString("# " + d.what + "\n")
			if d.logged {
				text.WriteString(lines.String() + "\n")
				return
			}
			require.NotContains(t, err.Error(), plantedToken)
			text.WriteString(err.Error() + "\n\n")
		})
	}
	text.WriteString("# a clock that is years behind\n" + notYetValid(t).Error() + "\n")
	golden(t, "testdata/disasters.golden", text.String())
}

type disaster struct {
	what   string
	logged bool // the log says it; there is no error
	end    func(t *testing.T, log waiter.Option) error
}

var runs = script(after(3*time.Second, job("running")))

var disasters = []disaster{
	// Engines.
	{what: "a done Progress, stepped again once the token is good", end: func(t *testing.T, _ waiter.Option) error {
		p := stepped(t, waiting(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 2, Status: 401, Message: "Incorrect IAM authentication information: token expires"}))))
		time.Sleep(time.Hour)
		_, err := waiting(t, responses(job("success"))).Step(t.Context(), restart(t, p))
		return err
	}},
	{what: "a Progress that a newer version has stored", end: func(t *testing.T, _ waiter.Option) error {
		p, err := waiting(t, responses(job("running"))).Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		p.State = json.RawMessage(strings.Replace(string(p.State), `"version":1`, `"version":2`, 1))
		_, err = waiting(t, responses(job("running"))).Step(t.Context(), p)
		return err
	}},
	{what: "a Progress with another job's checkpoint", end: func(t *testing.T, _ waiter.Option) error {
		_, err := waiting(t, responses()).Step(t.Context(), waiter.Progress{JobID: neighborID, Job: job("running")})
		return err
	}},
	{what: "a disk that is full in mid-job", end: func(t *testing.T, _ waiter.Option) error {
		full := waiter.WithCheckpoints(func(_ context.Context, _ status.Job, t status.Transition) error {
			if t.To == status.Running {
				return &os.PathError{Op: "write", Path: "/var/lib/binder/jobs.json", Err: syscall.ENOSPC}
			}
			return nil
		})
		_, err := waiting(t, inMemory(t, serving(runs)), full).Wait(t.Context(), id, jobType)
		return err
	}},
	{what: "an errgroup whose other job has failed", end: func(t *testing.T, _ waiter.Option) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(57*time.Second, func() {
			cancel(&waiter.FailedError{Job: status.Job{ID: neighborID, Type: "add_ad_domain", Status: "failed", FailReason: "the domain controller does not respond"}})
		})
		_, err := waiting(t, inMemory(t, serving(runs))).Wait(ctx, id)
		return err
	}},

	// Proxies.
	{what: "a proxy that wants a password", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, behind(t, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
	}},
	{what: "a proxy that breaks off", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, behind(t, "HTTP/1.1 200 Connection established\r\n\r\n"))
	}},
	{what: "a login page after a network change: a redirect", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 3, Status: 302, Header: http.Header{"Location": {"http://login.hotel.example/?from=x"}}})))
	}},
	{what: "a login page after a network change: a 200", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 3, Raw: "<!DOCTYPE html><html><head><title>Welcome to Hotel WiFi</title></head></html>"})))
	}},
	{what: "a load balancer that resets each stream of HTTP/2", end: func(t *testing.T, _ waiter.Option) error { return waited(t, resetting(t)) }},

	// A clock, and half an environment.
	{what: "a clock that is 20 minutes ahead, and an access key", logged: true, end: func(t *testing.T, log waiter.Option) error {
		date := http.Header{"Date": {time.Now().Add(-20 * time.Minute).UTC().Format(http.TimeFormat)}}
		return waited(t, signing(t, serving(script(after(3*time.Second, job("running")), after(7*time.Second, job("success"))), pollertest.Rule{Header: date})), log)
	}},
	{what: "a user without a domain, and a region alone", end: fromEnv("HW_REGION_NAME=cn-north-4", "HW_USER_NAME=robot", "HW_USER_PASSWORD="+plantedToken)},
	{what: "IAM of another cloud", end: fromEnv("HW_REGION_NAME=eu-de", "HW_AUTH_URL=https://iam.eu-de.otc.example.com/v3", "HW_AUTH_TOKEN="+plantedToken)},

	// Two programs on one job, one share, one key or one user.
	{what: "a second wait with a key that another program has locked", end: func(t *testing.T, _ waiter.Option) error {
		w := waiting(t, signing(t, serving(runs, pollertest.Rule{Status: 401, Message: "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden"})))
		_, _ = w.Wait(t.Context(), neighborID)
		time.Sleep(time.Minute)
		_, err := w.Wait(t.Context(), id, jobType)
		return err
	}},
	{what: "a share that another program works on", end: func(t *testing.T, _ waiter.Option) error {
		return submitted(t, func() error {
			_, err := poller.JobID(http.StatusBadRequest, []byte(`{"errCode":"SFS.TURBO.0011","errMsg":"Cluster is doing something"}`))
			return err
		})
	}},
	{what: "a submit that timed out", end: func(t *testing.T, _ waiter.Option) error {
		return submitted(t, func() error {
			return &url.Error{Op: "Post", URL: "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/p/sfs-turbo/shares/s/fs/ldap", Err: context.DeadlineExceeded}
		})
	}},
	{what: "a token that dies while IAM is down", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, loggedIn(t, serving(runs,
			pollertest.Rule{Call: pollertest.Poll, Skip: 3, Status: 401, Message: "Incorrect IAM authentication information: token expires"},
			pollertest.Rule{Call: pollertest.IssueToken, Skip: 1, Status: 503, Message: "Backend unavailable"},
		)))
	}},
	{what: "an IAM that throttles logins", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, loggedIn(t, serving(runs, pollertest.Rule{Call: pollertest.IssueToken, Status: 429})))
	}},
	{what: "WaitAll with one of each end", end: func(t *testing.T, _ waiter.Option) error {
		const refused, unknown, asked = "e5a7c9d2-8888-4999-aaaa-bbccddeeff00", "0f1e2d3c-7777-4666-9555-443322110099", "https://sfs-turbo.cn-north-4.myhuaweicloud.com, project a-project"
		each := map[string]*service{
			id:         responses(job("running")),
			neighborID: responses(status.Job{Type: "add_ad_domain", Status: "failed", FailReason: "no such user"}),
			refused:    responses(&poller.Error{StatusCode: 403, Code: "SFS.TURBO.9000", Message: "no permission", Asked: asked}),
			unknown:    responses(&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019", Message: "Invalid Job Id", Asked: asked}),
		}
		_, err := waiting(t, fn(func(ctx context.Context, jobID string) (poller.Reply, error) { return each[jobID].Poll(ctx, jobID) })).
			WaitAll(withDeadline(t, time.Minute), []string{id, neighborID, refused, unknown})
		return err
	}},
}

func waiting(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	return newWaiter(t, p, append(every(5*time.Second), opts...)...)
}

func waited(t *testing.T, p poller.Poller, opts ...waiter.Option) error {
	_, err := waiting(t, p, opts...).Wait(withDeadline(t, 10*time.Minute), id, jobType)
	return err
}

func submitted(t *testing.T, submit func() error) error {
	_, err := waiting(t, responses()).Run(t.Context(), func(context.Context) (string, error) { return "", submit() }, jobType)
	return err
}

// stepped steps until the wait is done.
func stepped(t *testing.T, w *waiter.Waiter) waiter.Progress {
	p := waiter.Progress{JobID: id}
	for !p.Done {
		p, _ = w.Step(t.Context(), p)
		time.Sleep(p.Next)
	}
	return p
}

func serving(s pollertest.Script, rules ...pollertest.Rule) *pollertest.Server {
	server := pollertest.New()
	server.Add(s)
	for _, rule := range rules {
		server.Fail(rule)
	}
	return server
}

// behind is a service behind a proxy that responds so to CONNECT and closes the connection.
func behind(t *testing.T, responds string) poller.Poller {
	transport := wire.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.corp.example:3128"})
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return piped(func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, responds)
			_, _ = c.Read(make([]byte, 64<<10)) // what the client says in TLS
		}), nil
	}
	return client(t, poller.Endpoint("cn-north-4"), &http.Client{Transport: transport}, credential.Token(plantedToken))
}

// resetting is a server of HTTP/2 that resets each stream with PROTOCOL_ERROR.
func resetting(t *testing.T) poller.Poller {
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: func(context.Context, string, string) (net.Conn, error) {
		near := piped(func(c net.Conn) {
			out := make(chan string, 8) // a pipe's writer waits for its reader, which may be writing
			defer close(out)
			go func() {
				for said := range out {
					_, _ = io.WriteString(c, said)
				}
			}()
			out <- wiretest.Frame(wiretest.Settings, 0, 0, "")
			head := make([]byte, 9)
			_, err := io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
			for err == nil {
				if _, err = io.ReadFull(c, head); err == nil {
					_, err = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head)>>8))
				}
				if head[3] == wiretest.Headers {
					out <- wiretest.Reset(binary.BigEndian.Uint32(head[5:]), wiretest.ErrorCodes["PROTOCOL_ERROR"])
				}
			}
		})
		t.Cleanup(func() { _ = near.Close() })
		return near, nil
	}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return client(t, "http://127.0.0.1", &http.Client{Transport: transport}, credential.Token(plantedToken))
}

// piped is a connection to serve, which closes it when it returns.
func piped(serve func(net.Conn)) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		serve(far)
	}()
	return near
}

// signing is a client with an access key.
func signing(t *testing.T, server *pollertest.Server) poller.Poller {
	t.Cleanup(server.Close)
	endpoint, httpClient := server.Memory()
	key, err := credential.AccessKey(credential.AccessKeyOptions{AccessKey: "AKEXAMPLE0000000000", SecretKey: plantedToken})
	require.NoError(t, err)
	return client(t, endpoint, httpClient, key)
}

// loggedIn is a client with a user's password, of a service and its IAM.
func loggedIn(t *testing.T, server *pollertest.Server) poller.Poller {
	t.Cleanup(server.Close)
	endpoint, httpClient := server.Memory()
	password, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "robot", Password: plantedToken, Domain: "our-account", ProjectName: "cn-north-4", HTTPClient: httpClient,
	})
	require.NoError(t, err)
	return client(t, endpoint, httpClient, password)
}

func client(t *testing.T, endpoint string, c *http.Client, authorized credential.Credential) poller.Poller {
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(c), poller.WithCredential(authorized))
	require.NoError(t, err)
	return p
}

// fromEnv is the error of an environment that sets these variables, and no other: see TestMain.
func fromEnv(set ...string) func(*testing.T, waiter.Option) error {
	return func(t *testing.T, _ waiter.Option) error {
		for _, pair := range set {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
		}
		_, err := poller.FromEnv()
		return err
	}
}

// notYetValid is the error of a good certificate where the clock is years behind.
func notYetValid(t *testing.T) error {
	server := httptest.NewUnstartedServer(pollertest.New())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake fails
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Time: func() time.Time { return time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC) }},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	return waited(t, client(t, "https://example.com", &http.Client{Transport: transport}, credential.Token(plantedToken)))
}
