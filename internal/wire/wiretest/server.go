// Package wiretest has servers that end requests without a response, for tests.
package wiretest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// Server accepts connections on the loopback and counts their requests.
type Server struct {
	URL       string          // https:// for HTTP/2, otherwise http://
	Transport *http.Transport // trusts the server; a test may change it before its first request

	requests, connections atomic.Int32
	listener              net.Listener
}

// Requests returns how many requests the server has read so far.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// Connections returns how many connections the server has accepted so far.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// HTTP2 starts a server that sends greeting on each connection after its SETTINGS, and reply to
// each request. A reply of "" closes the connection.
func HTTP2(t testing.TB, greeting string, reply func(stream uint32) string) *Server {
	t.Helper()
	borrowed := httptest.NewUnstartedServer(nil) // for its certificate
	borrowed.EnableHTTP2 = true
	borrowed.StartTLS()
	defer borrowed.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(borrowed.Certificate())
	s := start(t, func(listener net.Listener) net.Listener {
		return tls.NewListener(listener, &tls.Config{Certificates: borrowed.TLS.Certificates, NextProtos: []string{"h2"}})
	}, func(s *Server, conn net.Conn) {
		preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		if _, err := io.WriteString(conn, Frame(Settings, 0, 0, "")+greeting); err != nil {
			return
		}
		for head := make([]byte, 9); ; {
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head)>>8)); err != nil {
				return
			}
			if head[3] != Headers {
				continue
			}
			s.requests.Add(1)
			said := reply(binary.BigEndian.Uint32(head[5:]))
			if _, err := io.WriteString(conn, said); err != nil || said == "" {
				return
			}
		}
	})
	s.URL = "https://" + s.listener.Addr().String()
	s.Transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	return s
}

// HTTP1 starts a server that sends reply to the nth request of a connection, from 1 on. A reply
// of "" closes the connection.
func HTTP1(t testing.TB, reply func(nth int) string) *Server {
	t.Helper()
	s := start(t, func(listener net.Listener) net.Listener { return listener }, func(s *Server, conn net.Conn) {
		r := bufio.NewReader(conn)
		for nth := 1; ; nth++ {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			s.requests.Add(1)
			said := reply(nth)
			if _, err := io.WriteString(conn, said); err != nil || said == "" {
				return
			}
		}
	})
	s.URL = "http://" + s.listener.Addr().String()
	return s
}

func start(t testing.TB, wrap func(net.Listener) net.Listener, serve func(*Server, net.Conn)) *Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{listener: wrap(listener), Transport: &http.Transport{ForceAttemptHTTP2: true}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			all.Go(func() {
				closed := func() { _ = conn.Close() }
				defer closed()
				defer context.AfterFunc(t.Context(), closed)() // it ends before the cleanup
				serve(s, conn)
			})
		}
	})
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = s.listener.Close() })
	t.Cleanup(s.Transport.CloseIdleConnections)
	return s
}
