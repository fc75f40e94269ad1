package sfsturbo_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var (
	kills = flag.Int("kills", 200, "applies in TestStorm")
	seed  = flag.Uint64("seed", 1, "of TestStorm")
)

// child is this test binary as a process of its own that applies or destroys once: it is killed,
// or interrupted, as the real tool is together with its provider.
const child = "SFSTURBO_TEST_CHILD"

func TestMain(m *testing.M) {
	flag.Parse()
	if args := os.Getenv(child); args != "" {
		if err := once(strings.Split(args, ",")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	_ = flag.Set("test.parallel", "16") // these tests mostly wait
	os.Exit(m.Run())
}

func once(args []string) error {
	what, folder, endpoint, url := args[0], args[1], args[2], args[3]
	c, err := newCore(context.Background(), filepath.Join(folder, "state"), endpoint, filepath.Join(folder, "jobs"), wanted(url, 1, "1m"))
	if err != nil {
		return err
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		_, _ = c.provider.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{})
	}()
	if what == "destroy" {
		return c.destroy(context.Background())
	}
	if err := c.apply(context.Background()); err != nil {
		return err
	}
	if pending := fmt.Sprint(c.prior()); strings.Contains(pending, `"bound":tftypes.Bool<"false">`) {
		return fmt.Errorf("interrupted")
	}
	return nil
}

// An intent is asked for until it has ended, whatever kills the applies. It starts one job, whose
// id is recorded, and whose failure reaches the user with its code and reason. A second job is
// there only if a kill came within the submit, when the first one's id was not yet known to
// anybody.
func TestStorm(t *testing.T) {
	const shares = 8
	var all [shares]tally
	t.Run("shares", func(t *testing.T) {
		for n := range shares {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				all[n] = storm(t, *kills/shares, rand.New(rand.NewPCG(*seed, uint64(n))))
			})
		}
	})
	var sum tally
	for _, one := range all {
		sum.applies += one.applies
		sum.intents += one.intents
		sum.killed += one.killed
		sum.lost += one.lost
		sum.interrupted += one.interrupted
		sum.failing += one.failing
	}
	t.Logf("%+v", sum)
	require.Greater(t, sum.killed, sum.applies/10)
	require.NotZero(t, sum.interrupted)
	require.LessOrEqual(t, sum.lost, 2+sum.killed/5, "without a journal it would be most of them")
}

// tally counts applies, their intents, the applies that were killed, those of them whose job's id
// was lost, the applies that were interrupted, and the intents whose job fails.
type tally struct{ applies, intents, killed, lost, interrupted, failing int }

func storm(t *testing.T, most int, random *rand.Rand) (n tally) {
	server, folder := service(t), t.TempDir()
	endpoint := server.Start()
	lost := map[string]bool{} // jobs
	for n.applies < most {
		what, url := "apply", fmt.Sprintf("ldap://%d", n.intents)
		if n.intents%4 == 3 {
			what = "destroy"
		}
		end := status.Job{Status: status.Success}
		if random.IntN(4) == 0 {
			end = fails
			n.failing++
		}
		for _, jobType := range []string{"bind_ldap", "update_ldap", "unbind_ldap"} {
			server.Script(jobType, lasting(time.Duration(random.IntN(400))*time.Millisecond, end))
		}
		before, allowed := len(jobs(server)), 1
		var said string
		for {
			n.applies++
			require.Less(t, n.applies, most*3, "it never ends: %s", said)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), child+"="+strings.Join([]string{what, folder, endpoint, url}, ","))
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			require.NoError(t, cmd.Start())
			signal, after := os.Kill, time.Duration(random.IntN(700))*time.Millisecond
			if random.IntN(4) == 0 {
				signal = os.Interrupt
			}
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(signal) })
			err := cmd.Wait()
			timer.Stop()
			ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
			said = out.String()
			if ws.Signaled() {
				n.killed++
				if started := jobs(server)[before:]; len(started) > 0 {
					last := started[len(started)-1]
					if !lost[last] && !recorded(t, folder, last) {
						lost[last] = true
						allowed++
					}
				}
				continue
			}
			if err == nil {
				break
			}
			if strings.Contains(said, "job failed") { // the end of this intent
				require.Contains(t, said, "SFS.TURBO.0101: cannot bind with")
				require.Equal(t, status.Failed, end.Status)
				break
			}
			require.Regexp(t, "(?i)interrupted|canceled", said)
			n.interrupted++
		}
		started := jobs(server)[before:]
		require.LessOrEqual(t, len(started), allowed, "intent %d: %s: %v: %s", n.intents, what, started, said)
		if len(started) > 0 && end.Status == status.Failed {
			require.Contains(t, said, "SFS.TURBO.0100: binding LDAP failed")
		}
		n.intents++
	}
	n.lost = len(lost)
	return n
}

// recorded reports whether the journal has a job's id.
func recorded(t *testing.T, folder, id string) (found bool) {
	names, err := filepath.Glob(filepath.Join(folder, "jobs", "*.json"))
	require.NoError(t, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		found = found || strings.Contains(string(data), id)
	}
	return found
}

func jobs(server *pollertest.Server) (ids []string) {
	for _, r := range server.Requests() {
		if r.Call == pollertest.Submit && r.JobID != "" {
			ids = append(ids, r.JobID)
		}
	}
	return ids
}
