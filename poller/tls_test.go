package poller_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

const host = "sfs-turbo.example.com"

// certificate returns one that vouches for itself.
func certificate(t *testing.T, name string, expires time.Time, begins ...time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: expires}
	if begins != nil {
		template.NotBefore = begins[0]
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key, Leaf: leaf}
}

// serveTLS starts a server that speaks HTTP/1.1 and HTTP/2.
func serveTLS(t *testing.T, c tls.Certificate, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they should
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// trusting returns a client with the default transport's settings that trusts these
// certificates, and reaches the server under any name.
func trusting(t *testing.T, s *httptest.Server, trusted ...tls.Certificate) *poller.Client {
	t.Helper()
	transport := poller.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	for _, c := range trusted {
		transport.TLSClientConfig.RootCAs.AddCert(c.Leaf)
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	return client(t, "https://"+host, poller.WithHTTPClient(&http.Client{Transport: transport}))
}

func TestACertificateThatDoesNotVerifyIsPermanentAndNamesTheHost(t *testing.T) {
	good := certificate(t, host, time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		served, trusted tls.Certificate
		want, hint      string
	}{
		"unknown authority": {good, certificate(t, host, time.Now().Add(time.Hour)), "x509: certificate signed by unknown authority", "check the endpoint and this machine's root certificates: a private cloud"},
		"expired":           {certificate(t, host, time.Now().Add(-time.Hour)), tls.Certificate{}, "x509: certificate has expired or is not yet valid", "check this machine's clock; if it is right, the certificate must be renewed"},
		"not yet valid":     {certificate(t, host, time.Now().Add(2*time.Hour), time.Now().Add(time.Hour)), tls.Certificate{}, "x509: certificate has expired or is not yet valid", "the certificate is not valid yet, most likely because this machine's clock is behind: set it right"},
		"another host":      {certificate(t, "obs.example.com", time.Now().Add(time.Hour)), tls.Certificate{}, "x509: certificate is valid for obs.example.com, not " + host, "check the host in the endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.trusted.Leaf == nil {
				c.trusted = c.served
			}
			s := serveTLS(t, c.served, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
			_, err := trusting(t, s, c.trusted).Poll(within(t, 10*time.Second), jobID)
			require.ErrorContains(t, err, "no response from https://"+host+", project project: tls: failed to verify certificate: "+c.want)
			require.ErrorContains(t, err, "; "+c.hint)
			require.Equal(t, poller.Permanent, poller.Classify(err))
			require.Equal(t, "network", poller.Kind(err))
		})
	}
}

// The same with the client as it comes, and the roots of this machine.
func TestAnUnknownCertificateIsPermanent(t *testing.T) {
	s := serveTLS(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)), answer(200, good))
	_, err := client(t, s.URL).Poll(within(t, 10*time.Second), jobID)
	require.ErrorContains(t, err, "no response from "+s.URL+", project project: tls: failed to verify certificate: x509: ")
	require.Equal(t, poller.Permanent, poller.Classify(err))
}

func TestHandshakesThatFailForAWhilePass(t *testing.T) {
	for name, c := range map[string]struct {
		stream
		want, kind string
		after      time.Duration
	}{
		"silence": {stream{}, "no response from https://" + host + ", project project: net/http: TLS handshake timeout", "timeout", 10 * time.Second},
		"no TLS": {stream{begin: "SSH-2.0-OpenSSH_9.6\r\n"}, "no response from https://" + host + ", project project: tls: first record does not look like a TLS handshake; " +
			"this port does not speak TLS: check the port in the endpoint", "network", 0},
		"an alert": {stream{begin: "\x15\x03\x01\x00\x02\x02\x50"}, "no response from https://" + host + ", project project: remote error: tls: internal error; " +
			"the server refused the TLS handshake: if this persists, check the endpoint and the proxies on the way", "network", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := piped(t, func(conn net.Conn) {
					conn.Read(make([]byte, 64<<10)) // the client's hello
					io.WriteString(conn, c.begin)
					io.Copy(io.Discard, conn)
				})
				begin := time.Now()
				_, err := client(t, "https://"+host, poller.WithHTTPClient(&http.Client{Transport: transport})).Poll(within(t, pollTimeout), jobID)
				require.EqualError(t, err, c.want)
				require.Equal(t, c.kind, poller.Kind(err))
				require.Equal(t, poller.Passing, poller.Classify(err))
				require.Equal(t, c.after, time.Since(begin))
			})
		})
	}
}

func TestAWrongSchemeIsPermanentAndSaysSo(t *testing.T) {
	const tlsPort = "this port speaks TLS: begin the endpoint with https://"
	secure := serveTLS(t, certificate(t, host, time.Now().Add(time.Hour)), answer(200, good))
	for name, c := range map[string]struct{ endpoint, want string }{
		"https to plain HTTP": {"https" + strings.TrimPrefix(serve(t, answer(200, good)).URL, "http"), "http: server gave HTTP response to HTTPS client; this port speaks plain HTTP, not TLS: check the port in the endpoint"},
		"http to a server of Go": {"http" + strings.TrimPrefix(secure.URL, "https"),
			"Client sent an HTTP request to an HTTPS server.; " + tlsPort},
		"http to nginx": {serve(t, answer(400, "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>")).URL,
			`HTML page "400 The plain HTTP request was sent to HTTPS port"; ` + tlsPort},
		"http to a server that sends an alert": {serveRaw(t, "\x15\x03\x01\x00\x02\x02\x46"),
			`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02F"; ` + tlsPort},
	} {
		_, err := client(t, c.endpoint).Poll(within(t, 10*time.Second), jobID)
		require.ErrorContains(t, err, " from "+c.endpoint+", project project: ", name)
		require.True(t, strings.HasSuffix(err.Error(), c.want), "%s: %v", name, err)
		require.Equal(t, poller.Permanent, poller.Classify(err), "%s: %v", name, err)
	}
}
