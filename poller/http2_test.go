package poller_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

func TestHTTP2(t *testing.T) {
	c := certificate(t, host, time.Now().Add(time.Hour))
	var mu sync.Mutex
	connections := make(map[string]bool)
	s := serveTLS(t, c, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Host != host || r.Header.Get("X-Auth-Token") != token {
			t.Error(r.Proto, r.Host, r.Header)
		}
		mu.Lock()
		connections[r.RemoteAddr] = true
		mu.Unlock()
		answer(200, good)(w, r)
	})
	p := trusting(t, s, c)
	_, err := p.Poll(within(t, 10*time.Second), jobID)
	require.NoError(t, err)
	var polls sync.WaitGroup
	for range 100 {
		polls.Go(func() {
			if _, err := p.Poll(t.Context(), jobID); err != nil {
				t.Error(err)
			}
		})
	}
	polls.Wait()
	require.Len(t, connections, 1)
}

// overHTTP2 returns a client with the default transport's settings that speaks
// HTTP/2 from the first byte on, without TLS.
func overHTTP2(t *testing.T, serve func(net.Conn)) *poller.Client {
	t.Helper()
	return unencrypted(t, piped(t, serve))
}

func unencrypted(t *testing.T, transport *http.Transport) *poller.Client {
	t.Helper()
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
	return client(t, "http://127.0.0.1", poller.WithHTTPClient(&http.Client{Transport: transport}))
}

// The types and flags of frames: RFC 9113, section 6.
const (
	frameData, frameHeaders, frameSettings, framePush, framePing, frameContinuation = 0, 1, 4, 5, 6, 9

	endStream, endHeaders = 1, 4
)

func frame(kind, flags byte, stream uint32, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = append(head, flags)
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// A header that no table is used for: RFC 7541, section 6.2.2.
func field(name, value string) string {
	return "\x00" + string([]byte{byte(len(name))}) + name + string([]byte{byte(len(value))}) + value
}

const status200 = "\x88" // RFC 7541, appendix A

// speak speaks HTTP/2 until the first request has come, which is stream 1. All that
// comes after that is ignored.
func speak(conn net.Conn) {
	asked := make(chan struct{})
	conn.Read(make([]byte, 64<<10)) // all that comes before the first request
	go func() {
		defer conn.Close()
		come := sync.OnceFunc(func() { close(asked) })
		defer come()
		for head := make([]byte, 9); head[3] != frameHeaders; {
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head)>>8))
		}
		come()
		io.Copy(io.Discard, conn)
	}()
	io.WriteString(conn, frame(frameSettings, 0, 0, ""))
	<-asked
}

// frames is a [stream] over HTTP/2, to the first request of a connection.
type frames stream

func (f frames) serve(conn net.Conn) {
	speak(conn)
	for _, err := io.WriteString(conn, f.begin); err == nil; _, err = io.WriteString(conn, f.part) {
		time.Sleep(f.every)
	}
}

// A connection that no longer leads anywhere, as after a change of routes, is not
// kept: over HTTP/2 a request that times out does not close it.
func TestADeadConnectionCostsOnePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		connections := 0
		p := overHTTP2(t, func(conn net.Conn) {
			connections++
			speak(conn)
			io.WriteString(conn, frame(frameHeaders, endHeaders, 1, status200)+frame(frameData, endStream, 1, good))
			<-t.Context().Done()
		})
		ask := func() error { _, err := p.Poll(within(t, pollTimeout), jobID); return err }
		require.NoError(t, ask())
		time.Sleep(time.Second)
		begin := time.Now()
		err := ask()
		require.EqualError(t, err, "no response from http://127.0.0.1, project project: http2: client connection lost")
		require.Equal(t, poller.Passing, poller.Classify(err))
		require.LessOrEqual(t, time.Since(begin), pollTimeout)
		require.NoError(t, ask())
		require.Equal(t, 2, connections)
	})
}

// What the doc of WithHTTPClient warns of: without pings net/http keeps a dead connection, and all
// later polls go into it, until something else ends it.
func TestWithoutPingsADeadConnectionCostsAllLaterPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections []net.Conn
		transport := piped(t, func(conn net.Conn) {
			connections = append(connections, conn)
			speak(conn)
			io.WriteString(conn, frame(frameHeaders, endHeaders, 1, status200)+frame(frameData, endStream, 1, good))
			<-t.Context().Done()
		})
		transport.HTTP2, transport.IdleConnTimeout = nil, 0 // as in &http.Transport{}
		p := unencrypted(t, transport)
		ask := func() error { _, err := p.Poll(within(t, pollTimeout), jobID); return err }
		require.NoError(t, ask())
		for range 10 {
			time.Sleep(time.Second)
			require.EqualError(t, ask(), "no response from http://127.0.0.1, project project: context deadline exceeded")
		}
		require.Len(t, connections, 1)
		connections[0].Close() // as TCP does, after a quarter of an hour or so
		synctest.Wait()
		require.NoError(t, ask())
		require.Len(t, connections, 2)
	})
}

func TestHostileHTTP2(t *testing.T) {
	var fields strings.Builder
	for n := range 100 {
		fields.WriteString(field(fmt.Sprintf("x-%d", n), "y"))
	}
	const (
		from     = " from http://127.0.0.1, project project: "
		noAnswer = "no response" + from
		late     = "context deadline exceeded"
		lost     = "http2: client connection lost"
		broken   = "HTTP 200 OK" + from + "the response broke off: "
	)
	start, hint := frame(frameHeaders, endHeaders, 1, status200), frame(frameHeaders, endHeaders, 1, field(":status", "103"))
	for name, c := range map[string]struct{ begin, part, want, kind string }{
		"silence":                {"", "", noAnswer + lost, "network"},
		"a body without end":     {start, frame(frameData, 0, 1, strings.Repeat(" ", 16<<10)), "HTTP 200 OK" + from + "the response is longer than 1 MiB", "bad answer"},
		"a body of empty parts":  {start, frame(frameData, 0, 1, ""), broken + late, "timeout"},
		"headers without end":    {frame(frameHeaders, 0, 1, status200), frame(frameContinuation, 0, 1, fields.String()), noAnswer + "connection error: PROTOCOL_ERROR", "network"},
		"headers of empty parts": {frame(frameHeaders, 0, 1, status200), frame(frameContinuation, 0, 1, ""), noAnswer + lost, "network"},
		"hints without end":      {"", strings.Repeat(hint, 100), noAnswer + "stream error: stream ID 1; PROTOCOL_ERROR; header list too large", "network"},
		"pushes without end":     {start, frame(framePush, endHeaders, 1, "\x00\x00\x00\x02"), broken + "connection error: PROTOCOL_ERROR", "bad answer"},
		"pings without end":      {"", frame(framePing, 0, 0, "12345678"), noAnswer + late, "timeout"},
		"settings without end":   {"", frame(frameSettings, 0, 0, ""), noAnswer + late, "timeout"},
		"a frame of 16 MiB":      {"\xff\xff\xff\x00\x00\x00\x00\x00\x01", " ", noAnswer + "http2: frame too large", "network"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := overHTTP2(t, frames{c.begin, c.part, 10 * time.Millisecond}.serve)
				begin := time.Now()
				_, err := p.Poll(within(t, pollTimeout), jobID)
				require.EqualError(t, err, c.want)
				require.Equal(t, c.kind, poller.Kind(err))
				require.Equal(t, poller.Passing, poller.Classify(err))
				require.LessOrEqual(t, time.Since(begin), pollTimeout)
			})
		})
	}
}
