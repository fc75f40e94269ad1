package pollertest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Start serves on a port of this machine's loopback and returns the endpoint, such as
// "http://127.0.0.1:40123". Each call returns the same one. The first call panics if no
// port is free, or after Close.
func (s *Server) Start() (endpoint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
		if err != nil {
			panic("pollertest: Start: " + err.Error())
		}
		s.listen(l)
		s.port = "http://" + l.Addr().String()
	}
	return s.port
}

// Memory serves over [net.Pipe] and returns the endpoint, which is plain HTTP on a loopback
// address, and the client that reaches it. For this client any other host is unknown. Each
// call returns the same two. The client has no timeout, opens at most 64 connections, and
// can't connect after Close. The first call panics after Close.
func (s *Server) Memory() (endpoint string, client *http.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		const host = "127.0.0.1"
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		l.end = sync.OnceFunc(func() { close(l.closed) })
		transport := &http.Transport{
			DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
				if to != net.JoinHostPort(host, "80") {
					return nil, &net.DNSError{Err: "no such host", Name: to, IsNotFound: true}
				}
				return l.dial(ctx)
			},
			MaxConnsPerHost:     maxConns,
			MaxIdleConnsPerHost: maxConns,
		}
		s.listen(l)
		// Closes a connection that was dialed while the server closed: net/http forgets it.
		s.stops = append(s.stops, transport.CloseIdleConnections)
		s.memory, s.client = "http://"+host, &http.Client{Transport: transport}
	}
	return s.memory, s.client
}

const maxConns = 64

func (s *Server) listen(l net.Listener) {
	select {
	case <-s.closed:
		_ = l.Close()
		panic("pollertest: the server is closed")
	default:
	}
	server := &http.Server{Handler: s} //nolint:gosec // the client under test has the timeouts
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ErrServerClosed
	}()
	s.stops = append(s.stops, func() {
		_ = server.Close()
		<-done
	})
}

// Close closes the connections of all requests in flight, also of those that hang, and ends
// the server's goroutines. After it, the client of Memory can't connect, and Requests still
// works. Closing twice is fine.
func (s *Server) Close() {
	s.end()
	s.mu.Lock()
	stops := s.stops
	s.stops = nil
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	end    func()
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	var err error
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, _ = client.Close(), server.Close()
	return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: p.Addr(), Err: err}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.end()
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "memory" }
