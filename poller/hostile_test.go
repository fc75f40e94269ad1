package poller_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
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

// overPipes returns a client with the default transport's settings, each of whose
// connections is served over net.Pipe: within a bubble its time is virtual.
func overPipes(t *testing.T, serve func(net.Conn)) *poller.Client {
	t.Helper()
	return client(t, "http://127.0.0.1", poller.WithHTTPClient(&http.Client{Transport: piped(t, serve)}))
}

func piped(t *testing.T, serve func(net.Conn)) *http.Transport {
	t.Helper()
	var connections sync.WaitGroup
	t.Cleanup(connections.Wait)
	transport := poller.NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		connections.Go(func() { //nolint:contextcheck // it lasts as long as the test, not as the dial
			defer there.Close()
			defer closedAtEnd(t, there)()
			serve(there)
		})
		return here, nil
	}
	return transport
}

// closedAtEnd closes a connection when the test ends: over HTTP/2, one whose request was
// just given up is not idle yet, so CloseIdleConnections leaves it open.
func closedAtEnd(t *testing.T, conn net.Conn) (stop func() bool) {
	t.Helper()
	return context.AfterFunc(t.Context(), func() { conn.Close() })
}

// stream is a response on the wire: how it begins, and a part that is repeated without
// end. Without a part it falls silent.
type stream struct {
	begin, part string
	every       time.Duration // between two parts; 0 is as fast as they are read
}

func (s stream) serve(conn net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	if _, err := io.WriteString(conn, s.begin); err != nil {
		return
	}
	part := s.part
	if s.every == 0 {
		part = strings.Repeat(part, 1+16<<10/max(len(part), 1))
	}
	for err := error(nil); err == nil && part != ""; time.Sleep(s.every) {
		_, err = io.WriteString(conn, part)
	}
	io.Copy(io.Discard, conn)
}

const (
	ok200   = "HTTP/1.1 200 OK\r\n"
	chunked = ok200 + "Transfer-Encoding: chunked\r\n\r\n"
	zipFile = ok200 + "Content-Encoding: gzip\r\n\r\n"
)

func withLength(body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok200, len(body), body)
}

func gzipped(text string) string {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, text)
	w.Close()
	return z.String()
}

type hostileResponse struct {
	stream
	want, kind string
}

// hostileResponses are those that mean ill, and what is said of them.
func hostileResponses() map[string]hostileResponse {
	const (
		from     = " from http://127.0.0.1, project project: "
		noAnswer = "no response" + from
		late     = "context deadline exceeded"
		noHTTP   = noAnswer + "net/http: HTTP/1.x transport connection broken: "
		tooMuch  = noHTTP + "net/http: server response headers exceeded 262144 bytes; aborted"
		tooLong  = "HTTP 200 OK" + from + "the response is longer than 1 MiB"
		broken   = "HTTP 200 OK" + from + "the response broke off: "
		notJob   = "HTTP 200 OK" + from + "the response is not a job: "
		noReply  = "not a response to a request: check the endpoint and the proxies on the way"
		upgrade  = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
	)
	return map[string]hostileResponse{
		"a body without end":                 {stream{begin: ok200 + "\r\n", part: " "}, tooLong, "bad answer"},
		"one of HTTP/1.0":                    {stream{begin: "HTTP/1.0 200 OK\r\n\r\n", part: " "}, tooLong, "bad answer"},
		"a body of one byte a second":        {stream{ok200 + "\r\n", " ", time.Second}, broken + late, "timeout"},
		"a refusal of one byte a second":     {stream{"HTTP/1.1 503 No\r\n\r\n", "<", time.Second}, "HTTP 503 Service Unavailable" + from + "HTML page", "503"},
		"a header of one byte a second":      {stream{ok200 + "X: ", "x", time.Second}, noAnswer + late, "timeout"},
		"a status line of one byte a second": {stream{"HTTP/1.1 200 ", "x", time.Second}, noAnswer + late, "timeout"},
		"silence":                            {stream{}, noAnswer + late, "timeout"},
		"a header line without end":          {stream{begin: ok200 + "X: ", part: "x"}, tooMuch, "network"},
		"headers without end":                {stream{begin: ok200, part: "X: y\r\n"}, tooMuch, "network"},
		"headers of nothing":                 {stream{begin: ok200, part: "x:\r\n"}, tooMuch, "network"},
		"a header that goes on in lines":     {stream{begin: ok200 + "X: y\r\n", part: " y\r\n"}, tooMuch, "network"},
		"a status line without end":          {stream{begin: "HTTP/1.1 200 ", part: "x"}, tooMuch, "network"},
		"hints without end":                  {stream{part: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}, tooMuch, "network"},
		"100 without end":                    {stream{part: "HTTP/1.1 100 Continue\r\n\r\n"}, tooMuch, "network"},
		"a hint a second":                    {stream{"", "HTTP/1.1 103 Early Hints\r\n\r\n", time.Second}, noAnswer + late, "timeout"},
		"another protocol":                   {stream{begin: upgrade}, "HTTP 101 Switching Protocols" + from + noReply, "101"},
		"another protocol, and more":         {stream{begin: upgrade, part: " "}, "HTTP 101 Switching Protocols" + from + noReply, "101"},
		"a status that is none":              {stream{begin: "HTTP/1.1 000 OK\r\n\r\n", part: " "}, noAnswer + noReply, "other"},
		"a status below zero":                {stream{begin: "HTTP/1.1 -20 OK\r\n\r\n"}, noHTTP + `malformed HTTP status code "-20"`, "network"},
		"chunks of one byte without end":     {stream{begin: chunked, part: "1\r\n \r\n"}, tooLong, "bad answer"},
		"chunks with long extensions":        {stream{begin: chunked, part: "1;a=" + strings.Repeat("x", 100) + "\r\n \r\n"}, broken + "chunked encoding contains too much non-data", "bad answer"},
		"a chunk's extension without end":    {stream{begin: chunked + "1;", part: "a"}, broken + "header line too long", "bad answer"},
		"a chunk of eight exbibytes":         {stream{begin: chunked + "7fffffffffffffff\r\n", part: " "}, tooLong, "bad answer"},
		"a chunk of more than there can be":  {stream{begin: chunked + "ffffffffffffffffff\r\n", part: " "}, broken + "http chunk length too large", "bad answer"},
		"a chunk below zero":                 {stream{begin: chunked + "-1\r\n", part: " "}, broken + "invalid byte in chunk length", "bad answer"},
		"trailers without end":               {stream{begin: chunked + "0\r\n", part: "X: y\r\n"}, broken + "http: suspiciously long trailer after chunked body", "bad answer"},
		"a trailer without end":              {stream{begin: chunked + "0\r\nX: ", part: "y"}, broken + "http: suspiciously long trailer after chunked body", "bad answer"},
		"a length that is too long":          {stream{begin: ok200 + "Content-Length: 1000\r\n\r\n" + good}, broken + late, "timeout"},
		"a length that is too short":         {stream{begin: ok200 + "Connection: close\r\nContent-Length: 10\r\n\r\n" + good}, notJob + "unexpected end of JSON input", "bad answer"},
		"a length of eight exbibytes":        {stream{begin: ok200 + "Content-Length: 9223372036854775807\r\n\r\n", part: " "}, tooLong, "bad answer"},
		"a length of more than there can be": {stream{begin: ok200 + "Content-Length: 9223372036854775808\r\n\r\n", part: " "}, noHTTP + `bad Content-Length "9223372036854775808"`, "network"},
		"two lengths":                        {stream{begin: ok200 + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", part: " "}, noHTTP + `http: message cannot contain multiple Content-Length headers; got ["1" "2"]`, "network"},
		"a gzip bomb":                        {stream{begin: zipFile, part: gzipped(strings.Repeat(" ", 1<<20))}, tooLong, "bad answer"},
		"a gzip name without end":            {stream{begin: zipFile + "\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00", part: "x"}, broken + "gzip: invalid header", "bad answer"},
		"gzip of nothing without end":        {stream{zipFile, gzipped(""), 10 * time.Millisecond}, broken + late, "timeout"},
		"empty gzip blocks without end":      {stream{zipFile + "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\xff\xff", 10 * time.Millisecond}, broken + late, "timeout"},
		"JSON of 100,000 levels":             {stream{begin: withLength(`{"status":"running","x":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + "}")}, notJob + "invalid character '{' exceeded max depth", "bad answer"},
		"a list of 100,000 levels":           {stream{begin: withLength(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000))}, notJob + "broken JSON: " + strings.Repeat("[", 128-len("broken JSON: ")) + "…: if this persists, check the endpoint and the proxies on the way", "bad answer"},
	}
}

const pollTimeout = 15 * time.Second // a waiter's

func TestHostileResponses(t *testing.T) {
	for name, test := range hostileResponses() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := overPipes(t, test.serve)
				begin := time.Now()
				_, err := c.Poll(within(t, pollTimeout), jobID)
				require.EqualError(t, err, test.want)
				require.Equal(t, test.kind, poller.Kind(err))
				require.Equal(t, poller.Passing, poller.Classify(err))
				if test.kind == "timeout" || test.every > 0 {
					require.Equal(t, pollTimeout, time.Since(begin))
				} else {
					require.Zero(t, time.Since(begin))
				}
			})
		})
	}
}

func TestOddResponsesThatAreGood(t *testing.T) {
	for name, answer := range map[string]string{
		"JSON of 1,000 levels": withLength(`{"status":"running","x":` + strings.Repeat("[", 1_000) + strings.Repeat("]", 1_000) + "}"),
		"10,000 headers":       strings.Replace(withLength(good), "\r\n\r\n", "\r\n"+manyHeaders(10_000)+"\r\n", 1),
		"a few hints":          strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 5) + withLength(good),
		"a trailer":            chunked + fmt.Sprintf("%x\r\n%s\r\n0\r\nX: y\r\n\r\n", len(good), good),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := overPipes(t, stream{begin: answer}.serve).Poll(within(t, pollTimeout), jobID)
				require.NoError(t, err)
			})
		})
	}
}
