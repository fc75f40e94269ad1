package pebble

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const (
	jobs  = 1000
	kills = 100
)

// What a tracker delivers in a hundred lives, each of which ends with SIGKILL at a random moment,
// is what the service did.
func TestLives(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	server := pollertest.New()
	defer server.Close()
	dir := t.TempDir()
	l := life{Dir: filepath.Join(dir, "journal"), Diary: filepath.Join(dir, "diary"), Endpoint: server.Start()}
	ids := submit(server, r)
	b := &book{t: t, tracked: map[string]bool{}, last: map[string]status.Status{}, committed: map[string]string{}, seen: map[string]bool{}}
	for n := range kills + 1 {
		l.Track = nil
		for _, id := range ids {
			if !b.tracked[id] {
				l.Track = append(l.Track, id)
			}
		}
		stored, err := json.Marshal(l)
		require.NoError(t, err)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "LIFE="+string(stored))
		child.Stderr = os.Stderr
		require.NoError(t, child.Start())
		if n < kills {
			time.Sleep(time.Duration(50+r.IntN(450)) * time.Millisecond)
		} else {
			b.await(l.Diary, ids)
		}
		require.NoError(t, child.Process.Kill())
		_ = child.Wait()
		require.Equal(t, -1, child.ProcessState.ExitCode(), "it has ended before it was killed")
		b.read(l.Diary)
	}
	require.Len(t, b.tracked, jobs)
	for _, id := range ids {
		require.Equal(t, status.Success, b.last[id+" "], id)
		for s := range 3 {
			require.Equal(t, status.Success, b.last[fmt.Sprint(id, " s", s)], id)
		}
	}
	t.Logf("%d transitions, %d of them again after a kill; %d commits", b.delivered, b.again, b.commits)
	require.Greater(t, b.delivered, 5*jobs)
	require.Less(t, b.again, b.delivered/2, "commits come too late")
	require.Positive(t, b.again, "no kill came between a delivery and its commit: the test shows nothing")
}

// submit starts jobs with three sub-jobs each that end within half a minute.
func submit(server *pollertest.Server, r *rand.Rand) (ids []string) {
	for i := range jobs {
		statuses := []status.Status{"", status.Running, status.Success}
		begin := time.Duration(r.IntN(15)) * time.Second
		script := pollertest.Script{ID: fmt.Sprint("job-", i), Type: "bind_ldap"}
		for step := 1; step <= 8; step++ {
			j := status.Job{Status: status.Running}
			for s := range 3 {
				j.SubJobs = append(j.SubJobs, status.Job{ID: fmt.Sprint("s", s), Status: statuses[min(2, max(1, step/2-s+1))]})
			}
			if step == 8 {
				j.Status = status.Success
			}
			begin += time.Duration(r.IntN(3000)) * time.Millisecond
			script.Steps = append(script.Steps, pollertest.Step{After: begin, Job: j})
		}
		ids = append(ids, server.Add(script))
	}
	return ids
}

// A book compares a diary with what it must say.
type book struct {
	t         *testing.T
	offset    int64
	tracked   map[string]bool
	last      map[string]status.Status // by job and sub-job
	committed map[string]string        // before this life
	pending   map[string]string        // in this life
	seen      map[string]bool          // statuses that were delivered, by job and sub-job

	delivered, again, commits int
}

// read takes in what a life has added.
func (b *book) read(name string) {
	b.pending = map[string]string{}
	for _, l := range b.lines(name) {
		switch {
		case l.Tracked != "":
			b.tracked[l.Tracked] = true
		case l.Delivered != nil:
			b.deliver(*l.Delivered)
		case l.Commits > 0:
			b.commits++
		default:
			for sub, s := range l.Statuses {
				b.pending[l.Committed+" "+sub] = s
			}
		}
	}
	maps.Copy(b.committed, b.pending)
}

func (b *book) deliver(d delivered) {
	b.delivered++
	key := d.Job + " " + d.SubJob
	defer func() {
		b.last[key] = d.To
		b.seen[key+" "+string(d.To)] = true
	}()
	if d.From == b.last[key] {
		return
	}
	b.again++ // from an earlier status: at the beginning of a life
	require.NotEqual(b.t, string(d.To), b.committed[key], "%v is delivered again, though it was committed before this life", d)
	require.True(b.t, string(d.From) == b.committed[key] || b.seen[key+" "+string(d.From)], "%v does not follow from anything", d)
}

func (b *book) lines(name string) (lines []line) {
	file, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(b.t, err)
	defer func() { _ = file.Close() }()
	_, err = file.Seek(b.offset, 0)
	require.NoError(b.t, err)
	reader := bufio.NewReader(file)
	for {
		text, err := reader.ReadString('\n')
		if err != nil {
			require.Empty(b.t, text, "half a line")
			return lines
		}
		b.offset += int64(len(text))
		var l line
		require.NoError(b.t, json.Unmarshal([]byte(text), &l))
		lines = append(lines, l)
	}
}

var end = regexp.MustCompile(`"Job":"([^"]+)","SubJob":"","From":"[^"]*","To":"success"`)

// await returns when all jobs have been seen to end.
func (b *book) await(name string, ids []string) {
	deadline := time.Now().Add(time.Minute)
	for {
		data, err := os.ReadFile(name)
		require.NoError(b.t, err)
		ended := map[string]bool{}
		for _, found := range end.FindAllSubmatch(data, -1) {
			ended[string(found[1])] = true
		}
		left := len(ids) - len(ended)
		if left == 0 {
			time.Sleep(time.Second / 2) // to commit
			return
		}
		require.True(b.t, time.Now().Before(deadline), "%d jobs do not end", left)
		time.Sleep(time.Second / 4)
	}
}
