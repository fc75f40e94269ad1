package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// What a poll costs is reported beside the least that a program does to ask the same:
// net/http's GET with a token, io.ReadAll, and encoding/json into plain strings.
// Both use one http.Client, in the same run, by turns. The server sends bytes that
// it had ready, and allocates nothing: what is counted is the client's side.

// measured is a response with three sub-jobs, about 900 bytes.
const measured = `{
  "job_id" : "` + jobID + `",
  "status" : "running",
  "job_type" : "create_share",
  "begin_time" : "2023-07-26 09:33:58",
  "sub_jobs" : [ {
    "job_id" : "26f6b565-1111-2222-3333-000000000001",
    "status" : "success",
    "job_type" : "create_network",
    "begin_time" : "2023-07-26 09:33:58",
    "end_time" : "2023-07-26 09:34:31",
    "error_code" : null,
    "fail_reason" : null
  }, {
    "job_id" : "26f6b565-1111-2222-3333-000000000002",
    "status" : "running",
    "job_type" : "create_storage",
    "begin_time" : "2023-07-26 09:34:31",
    "end_time" : "",
    "error_code" : null,
    "fail_reason" : null
  }, {
    "job_id" : "26f6b565-1111-2222-3333-000000000003",
    "status" : "waiting",
    "job_type" : "mount_share",
    "begin_time" : "",
    "end_time" : "",
    "error_code" : null,
    "fail_reason" : null
  } ]
}`

func TestPollAllocatesNoMoreThanABareRequest(t *testing.T) {
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			poll, bare := ourAndBare(t, over(t))
			ours, least := leastOf(poll), leastOf(bare)
			require.LessOrEqual(t, ours[1], 1.02*least[1], "allocations; %v bare", least[1])
			require.LessOrEqual(t, ours[2], least[2], "bytes")
		})
	}
}

// leastOf returns the least of each cost over five rounds: other goroutines may allocate meanwhile.
// It runs on one processor, as testing.AllocsPerRun does: on two, net/http's goroutines meet in
// another order each time, and a poll costs up to four allocations more.
func leastOf(f func()) cost {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	least := costOf(100, f)
	for range 4 {
		for unit, value := range costOf(100, f) {
			least[unit] = min(least[unit], value)
		}
	}
	return least
}

// BenchmarkPoll: see comparePolls.
func BenchmarkPoll(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(transports)) {
		b.Run(name, func(b *testing.B) { comparePolls(b, transports[name](b)) })
	}
}

// comparePolls reports the medians of ten rounds, in each of which either polls
// b.N times, and of the rounds' ratios.
func comparePolls(b *testing.B, over http.RoundTripper) {
	poll, bare := ourAndBare(b, over)
	const rounds = 10
	var ours, least [rounds]cost
	for i := range rounds {
		if i%2 == 0 {
			ours[i] = costOf(b.N, poll)
		}
		least[i] = costOf(b.N, bare)
		if i%2 == 1 {
			ours[i] = costOf(b.N, poll)
		}
	}
	for unit := range ours[0] {
		var o, l, ratios []float64
		for i := range rounds {
			o, l, ratios = append(o, ours[i][unit]), append(l, least[i][unit]), append(ratios, ours[i][unit]/least[i][unit])
		}
		name := [...]string{"ns", "allocs", "B"}[unit]
		b.ReportMetric(median(o), "poll-"+name)
		b.ReportMetric(median(l), "bare-"+name)
		b.ReportMetric(median(ratios), "x-"+name)
	}
	b.ReportMetric(0, "ns/op") // twenty polls: means nothing
}

// cost is nanoseconds, allocations and bytes of one call.
type cost [3]float64

func costOf(n int, f func()) cost {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		f()
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return cost{
		float64(took.Nanoseconds()) / float64(n),
		float64(after.Mallocs-before.Mallocs) / float64(n),
		float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// ourAndBare returns the two that are compared.
func ourAndBare(tb testing.TB, over http.RoundTripper) (poll, bare func()) {
	tb.Helper()
	require.InDelta(tb, 900, len(measured), 50)
	ctx, cancel := context.WithTimeout(tb.Context(), time.Hour) // as each poll of a Waiter has
	tb.Cleanup(cancel)
	httpClient := &http.Client{Transport: over}
	c, err := poller.New("http://127.0.0.1", "project", poller.WithHTTPClient(httpClient), poller.WithCredential(credential.Token(token)))
	require.NoError(tb, err)
	poll = func() {
		reply, err := c.Poll(ctx, jobID)
		if err != nil || len(reply.Job.SubJobs) != 3 {
			tb.Fatal(reply, err)
		}
	}
	bare = func() {
		job, err := get(ctx, httpClient, "http://127.0.0.1/v1/project/sfs-turbo/jobs/"+jobID)
		if err != nil || len(job.SubJobs) != 3 {
			tb.Fatal(job, err)
		}
	}
	for range 10 { // connected, and warm
		poll()
		bare()
	}
	return poll, bare
}

type bareFields struct {
	ID         string `json:"job_id"`
	Type       string `json:"job_type"`
	Status     string `json:"status"`
	BeginTime  string `json:"begin_time"`
	EndTime    string `json:"end_time"`
	ErrorCode  string `json:"error_code"`
	FailReason string `json:"fail_reason"`
}

type bareJob struct {
	bareFields
	SubJobs []bareFields `json:"sub_jobs"`
}

func get(ctx context.Context, c *http.Client, url string) (job bareJob, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return job, err
	}
	r.Header.Set("X-Auth-Token", token)
	resp, err := c.Do(r)
	if err != nil {
		return job, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return job, err
	}
	if resp.StatusCode != http.StatusOK {
		return job, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return job, json.Unmarshal(body, &job)
}

// transports reach a server that sends the measured response to each request.
var transports = map[string]func(testing.TB) http.RoundTripper{
	// No transport at all: it shows the client's own part at its largest.
	"memory/fake": func(testing.TB) http.RoundTripper { return fake{} },
	// net/http's, over one connection in memory.
	"memory/pipe": func(tb testing.TB) http.RoundTripper {
		return over(tb, func() (net.Conn, error) {
			client, server := net.Pipe()
			go giveMeasured(server)
			return client, nil
		})
	},
	// net/http's, over one real connection.
	"loopback": func(tb testing.TB) http.RoundTripper {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(tb, err)
		tb.Cleanup(func() { l.Close() })
		return over(tb, func() (net.Conn, error) {
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return nil, err
			}
			server, err := l.Accept()
			if err == nil {
				go giveMeasured(server)
			}
			return client, err
		})
	},
}

func over(tb testing.TB, dial func() (net.Conn, error)) http.RoundTripper {
	t := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
	tb.Cleanup(t.CloseIdleConnections)
	return t
}

type fake struct{}

func (fake) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK,
		Header: http.Header{
			"Date": {"Wed, 26 Jul 2023 09:35:00 GMT"}, "Content-Type": {"application/json"}, "X-Request-Id": {"9f3c2a5d0c8e4b7f"},
		},
		ContentLength: int64(len(measured)),
		Body:          io.NopCloser(strings.NewReader(measured)),
		Request:       r,
	}, nil
}

// giveMeasured serves one connection until it is closed.
func giveMeasured(conn net.Conn) {
	defer conn.Close()
	response := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: Wed, 26 Jul 2023 09:35:00 GMT\r\nContent-Type: application/json\r\n"+
		"X-Request-Id: 9f3c2a5d0c8e4b7f\r\nContent-Length: %d\r\n\r\n%s", len(measured), measured)
	request := make([]byte, 4096)
	for n := 0; ; {
		read, err := conn.Read(request[n:])
		if n += read; err != nil {
			return
		}
		if !bytes.HasSuffix(request[:n], []byte("\r\n\r\n")) {
			continue
		}
		n = 0
		if _, err := conn.Write(response); err != nil {
			return
		}
	}
}
