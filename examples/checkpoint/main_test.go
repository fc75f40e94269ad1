package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// TestMain is the program itself where a test starts this binary as such: with a job id and a file.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// busy is a job with a sub-job for each 20 ms of its life, so that something always changes. It
// ends in success or failure.
func busy(length time.Duration, end status.Status) pollertest.Script {
	const every = 20 * time.Millisecond
	script := pollertest.Script{ID: "busy-1", Type: "create_share"}
	job := status.Job{Status: status.Running}
	for at := time.Duration(0); at < length; at += every {
		if n := len(job.SubJobs); n > 0 {
			job.SubJobs[n-1].Status = status.Success
		}
		job.SubJobs = append(job.SubJobs, status.Job{Type: fmt.Sprintf("step_%d", at/every), Status: status.Running})
		script.Steps = append(script.Steps, pollertest.Step{After: at, Job: job.Clone()})
	}
	job.Status, job.SubJobs[len(job.SubJobs)-1].Status = end, end
	script.Steps = append(script.Steps, pollertest.Step{After: length, Job: job})
	return script
}

// statuses is what is known of a job: "job" and each sub-job, by type.
type statuses map[string]string

func statusesOf(job status.Job) statuses {
	known := statuses{}
	if job.Status != "" {
		known["job"] = string(job.Status)
	}
	for _, sub := range job.SubJobs {
		known[sub.Type] = string(sub.Status)
	}
	return known
}

// apply returns what is known after these lines. Each has to go on from what was known before it.
func (s statuses) apply(t *testing.T, lines []string) statuses {
	t.Helper()
	known := maps.Clone(s)
	for _, line := range lines {
		name, change, ok := strings.Cut(line, ": ")
		require.True(t, ok, "a torn line: %q", line)
		from, to, ok := strings.Cut(change, " -> ")
		if !ok {
			from, to = "", change
		}
		require.Equal(t, known[name], from, "lost or delivered twice within a run: %q", line)
		known[name] = to
	}
	return known
}

func TestKillLosesNothing(t *testing.T) {
	server := pollertest.New()
	defer server.Close()
	script := busy(5*time.Second, status.Success) // also on a busy machine there is time for the kills
	p := process{endpoint: server.Start(), id: server.Add(script), file: filepath.Join(t.TempDir(), "busy-1.json")}
	delivered, kills, again := 0, 0, 0
	saved := statuses{}
	end := ""
	for !strings.HasPrefix(end, "exit status 0") {
		require.Less(t, kills, 200)
		ctx, kill := context.WithCancel(t.Context())
		// A moment of the first run's life, or right after one of its lines, when it is storing.
		atLine, after := rand.IntN(8), time.Duration(rand.IntN(3000))*time.Microsecond
		if kills < 20 && atLine == 0 {
			time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, kill)
		}
		var lines []string
		var err error
		end, err = p.run(ctx, func(line string) {
			if lines = append(lines, line); kills < 20 && len(lines) == atLine {
				time.AfterFunc(after, kill)
			}
		})
		require.NoError(t, err)
		kill()
		if !strings.HasPrefix(end, "exit status 0") {
			require.True(t, strings.Contains(end, "killed") || end == "exit status 1", end) // 1 is Windows'
			kills++
		}

		checkpoint, err := load(p.file)
		require.NoError(t, err, "after a kill the file is the old one or the new one")
		stored := statusesOf(checkpoint)
		if all := saved.apply(t, lines); !maps.Equal(all, stored) {
			require.NotEmpty(t, lines)
			require.Equal(t, saved.apply(t, lines[:len(lines)-1]), stored, "all but the last line is stored")
			again++
		}
		saved, delivered = stored, delivered+len(lines)
	}
	require.GreaterOrEqual(t, kills, 15) // some of the 20 come too late
	require.Equal(t, statusesOf(script.Steps[len(script.Steps)-1].Job), saved, "what the service did")
	t.Logf("%d transitions delivered, %d kills; %d transitions delivered and not stored", delivered, kills, again)
}

// onLine calls f before each line that is written, with the number of those before it.
type onLine struct {
	io.Writer
	n int
	f func(n int)
}

func (o *onLine) Write(line []byte) (int, error) {
	o.f(o.n)
	o.n++
	return o.Writer.Write(line)
}

func TestFullDisk(t *testing.T) {
	for _, end := range []status.Status{status.Success, status.Failed} {
		t.Run(string(end)+" loses nothing, whichever change could not be stored", func(t *testing.T) {
			const changes = 7 // the job's two, and one or two of each sub-job
			for full := range changes {
				synctest.Test(t, func(t *testing.T) { fullDisk(t, end, full, changes) })
			}
		})
	}
}

// fullDisk fills the disk at one of the changes. The next run, on a disk with room, goes on.
func fullDisk(t *testing.T, end status.Status, full, changes int) {
	server := pollertest.New()
	defer server.Close()
	script := pollertest.Script{ID: "bind-1", Steps: []pollertest.Step{
		{After: 10 * time.Second, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "a", Status: status.Running}}}},
		{After: time.Minute, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "a", Status: status.Success}, {Type: "b", Status: status.Running}}}},
		{After: 2 * time.Minute, Job: status.Job{Status: end, SubJobs: []status.Job{{Type: "a", Status: status.Success}, {Type: "b", Status: end}}}},
	}}
	id := server.Add(script)
	endpoint, transport := server.Memory()
	client, err := poller.New(endpoint, "p", poller.WithHTTPClient(transport), poller.WithCredential(credential.Token("t")))
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "bind-1.json")

	var first, second bytes.Buffer
	err = await(t.Context(), w, id, file, &onLine{&first, 0, func(n int) {
		if n == full {
			require.NoError(t, fillDisk(file))
		}
	}})
	require.ErrorIs(t, err, waiter.ErrUnfinished)
	require.NotErrorIs(t, err, waiter.ErrJobFailed, "its failure is not stored yet")
	require.Equal(t, "checkpoint", waiter.Outcome(err))
	require.ErrorContains(t, err, "job bind-1 ")
	require.ErrorContains(t, err, "Fix that, then wait again from the last checkpoint")

	err = await(t.Context(), w, id, file, &second)
	require.Equal(t, string(end), waiter.Outcome(err))
	lines := func(b *bytes.Buffer) []string { return strings.Split(strings.TrimSpace(b.String()), "\n") }
	one, two := lines(&first), lines(&second)
	require.Len(t, one, full+1)
	require.Equal(t, one[full], two[0], "what was not stored is delivered again")
	require.Len(t, two, changes-full)
	known := statuses{}.apply(t, one[:full]).apply(t, two)
	require.Equal(t, statusesOf(script.Steps[len(script.Steps)-1].Job), known)
}

func TestSaveKeepsTheOldCheckpointOnAFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bind-1.json")
	require.NoError(t, save(file, status.Job{ID: "bind-1", Status: status.Waiting}))
	require.NoError(t, fillDisk(file))
	require.Error(t, save(file, status.Job{ID: "bind-1", Status: status.Running}))
	checkpoint, err := load(file)
	require.NoError(t, err)
	require.Equal(t, status.Waiting, checkpoint.Status)
	require.NoFileExists(t, file+".new")
}

func TestADamagedCheckpointIsNoBeginning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bind-1.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"job_id":"bin`), 0o600))
	err := await(t.Context(), nil, "bind-1", file, io.Discard)
	require.ErrorContains(t, err, "job bind-1: "+file+" holds no checkpoint")
}

func TestExitStatus(t *testing.T) {
	server := pollertest.New()
	defer server.Close()
	at := func(id string, s status.Status) string {
		return server.Add(pollertest.Script{ID: id, Steps: []pollertest.Step{{Job: status.Job{Status: s}}}})
	}
	endpoint := server.Start()
	for _, test := range []struct {
		name, id string
		full     bool
		want     []string
	}{
		{"0 is success", at("good", status.Success), false, []string{"exit status 0"}},
		{"1 is a failed job", at("bad", status.Failed), false, []string{"exit status 1", "job bad failed", "submit a new job"}},
		{"2 is a last change that could not be stored", at("good-2", status.Success), true, []string{"exit status 2", "job good-2", "wait again from the last checkpoint"}},
		{"2 is a failure that could not be stored", at("bad-2", status.Failed), true, []string{"exit status 2", "job bad-2", "wait again from the last checkpoint"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := process{endpoint: endpoint, id: test.id, file: filepath.Join(t.TempDir(), test.id+".json")}
			if test.full {
				require.NoError(t, fillDisk(p.file))
			}
			end, err := p.run(t.Context(), func(string) {})
			require.NoError(t, err)
			for _, want := range test.want {
				require.Contains(t, end, want)
			}
		})
	}
}

func TestDemonstration(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, demonstrate(t.Context(), &out))
	// Under -cover a process says at its end that it has nowhere to write to.
	said := regexp.MustCompile(`\n?warning: GOCOVERDIR not set[^\n\]]*`).ReplaceAllString(out.String(), "")
	last := "  job: running -> success\n["
	for _, want := range []string{`"status":"running"`, last + "exit status 2\ncheckpoint: bind_ldap job bind-1", last + "exit status 0]", "Nothing was lost"} {
		require.Contains(t, said, want)
	}
}

func TestTheDiskFillsAfterAKillInTheMiddleOfASave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bind-1.json")
	require.NoError(t, os.WriteFile(file+".new", []byte("{"), 0o600))
	require.NoError(t, fillDisk(file))
	require.Error(t, save(file, status.Job{ID: "bind-1"}))
}

func TestOutputThatCannotBeWrittenIsDeliveredAgain(t *testing.T) {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{ID: "bind-1"})
	client, err := poller.New(server.Start(), "p", poller.WithCredential(credential.Token("t")))
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "bind-1.json")
	broken := errors.New("broken pipe")
	require.ErrorIs(t, await(t.Context(), w, id, file, failing{broken}), broken)
	var out bytes.Buffer
	require.NoError(t, await(t.Context(), w, id, file, &out))
	require.Equal(t, "job: success\n", out.String())
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
