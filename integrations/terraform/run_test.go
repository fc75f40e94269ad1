package terraform_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/terraform"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func test(t *testing.T, name string, f func(t *testing.T, w *world)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, begin(t)) }) })
}

func pending(w *world) string {
	id, diags := terraform.Pending(w.t.Context(), w.private)
	require.Empty(w.t, diags)
	return id
}

// interrupted is a context that Terraform's interrupt ends after d.
func interrupted(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(d, cancel)
	t.Cleanup(func() { timer.Stop(); cancel() })
	return ctx
}

func TestRun(t *testing.T) {
	test(t, "records the job before it waits, and forgets it when it has succeeded", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		var seen int
		w.seen = func() {
			seen++
			require.Contains(t, w.journal(), w.jobs()[0])
			require.NotContains(t, w.journal(), "done")
			require.Equal(t, w.jobs()[0], pending(w))
		}
		result, diags := w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Equal(t, w.jobs(), []string{result.Job.ID})
		require.Equal(t, []terraform.Attempt{terraform.None}, w.befores)
		require.Empty(t, w.private)
		require.Equal(t, 2, seen)
	})
	test(t, "does not take an earlier change for this one", func(t *testing.T, w *world) {
		for _, intent := range []string{"a", "b", "a"} {
			result, _ := w.run(t.Context(), w.change(intent))
			require.Equal(t, terraform.Done, result.End)
		}
		require.Equal(t, []terraform.Attempt{terraform.None, terraform.None, terraform.None}, w.befores)
		require.Len(t, w.jobs(), 3)
	})
	test(t, "shows a failure's code and reason at the attribute that the code blames, without secrets", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Second, fails))
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.JobFailed, result.End)
		require.Regexp(t, `^Error: url: The bind_ldap job failed: SFS\.TURBO\.0100: .*binding LDAP failed.*SFS\.TURBO\.0101: cannot bind with \[redacted\]`, text(diags))
		require.Regexp(t, `fix the cause, then submit a new job by applying again$`, text(diags))
		require.NotContains(t, text(diags), password)
		require.Empty(t, w.private)
		require.Empty(t, w.journal())

		// Failed is the end of this intent: the next apply is a new one.
		w.server.Script("bind_ldap", lasting(time.Second, succeeds))
		result, _ = w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 2)
	})
	test(t, "logs each transition, with the secrets masked", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Second, fails))
		_, _ = w.run(t.Context(), w.change("a"))
		require.Regexp(t, `(?s)"@level":"info".*"@message":"job is running".*"from":"","job_id":"`+w.jobs()[0]+`"`, w.log.String())
		require.Regexp(t, `"@level":"warn".*"@message":"sub-job is failed".*"error_code":"SFS.TURBO.0101","fail_reason":"cannot bind with \[redacted\]`, w.log.String())
		require.NotContains(t, w.log.String(), password)
		require.NotContains(t, w.log.String(), token)
	})
	test(t, "masks the secrets in what Submit logs, also one of a file that ends with a line break", func(t *testing.T, w *world) {
		c := w.change("a")
		c.Secrets = []string{"from a file\n", "\n", ""}
		c.Submit = func(ctx context.Context, _ terraform.Attempt) (string, error) {
			tflog.Info(ctx, "sent from a file", map[string]any{"quoted": strconv.Quote(c.Secrets[0]), "token": token})
			return w.submit(ctx)
		}
		_, diags := w.run(t.Context(), c)
		require.Empty(t, diags)
		require.Contains(t, w.log.String(), `"@message":"sent ***","@module":"provider","quoted":"\"***\"","token":"***"`)
	})
	test(t, "masks a secret that begins with another one, and in quotes, in a URL, in base64 and in the JSON that was sent", func(t *testing.T, w *world) {
		const short, long = "Correct", `Correct"Horse&9`
		inside := base64.StdEncoding.EncodeToString([]byte(long))
		sent, err := json.Marshal([]string{long})
		require.NoError(t, err)
		w.server.Script("bind_ldap", lasting(time.Second, status.Job{
			Status: status.Failed, FailReason: strings.Join([]string{long, strconv.Quote(long), url.QueryEscape(long), inside, string(sent), short}, " and "),
		}))
		c := w.change("a")
		c.Secrets = []string{short, long}
		_, diags := w.run(t.Context(), c)
		require.Contains(t, text(diags), `[redacted] and "[redacted]" and [redacted] and [redacted] and ["[redacted]"] and [redacted]`)
		for _, part := range []string{"Correct", "Horse", inside} {
			require.NotContains(t, text(diags)+w.log.String(), part)
		}
	})
	test(t, "starts no job that is refused, and says why at the attribute", func(t *testing.T, w *world) {
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Status: 400, Code: "SFS.TURBO.0001", Message: "parameter error"})
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.NotStarted, result.End)
		require.Regexp(t, `^Error: base_dn: No bind_ldap job was started: .*SFS\.TURBO\.0001.*parameter error`, text(diags))
		require.Empty(t, w.journal())
	})
	test(t, "waits while the object is busy with another operation", func(t *testing.T, w *world) {
		_, err := w.submit(t.Context()) // somebody else's
		require.NoError(t, err)
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.Done, result.End, text(diags))
		require.Len(t, w.jobs(), 2)
	})
	test(t, "says that the object is busy when the timeout has passed", func(t *testing.T, w *world) {
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Status: 400, Code: "SFS.TURBO.0037"})
		c := w.change("a")
		c.Timeout = time.Minute
		result, diags := w.run(t.Context(), c)
		require.Equal(t, terraform.NotStarted, result.End)
		require.Regexp(t, `^Error: No bind_ldap job was started: the object is busy with another operation: .*0037`, text(diags))
		require.Empty(t, w.journal())
	})
	test(t, "polls through an outage", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		w.server.Fail(pollertest.Rule{Call: pollertest.Poll, From: 10 * time.Second, Until: 30 * time.Minute, Status: 503})
		result, diags := w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
	})
	test(t, "takes a Submit without a job for done", func(t *testing.T, w *world) {
		c := w.change("a")
		c.Submit = func(context.Context, terraform.Attempt) (string, error) { return "", nil }
		result, diags := w.run(t.Context(), c)
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Result{}, result)
	})
	test(t, "starts nothing for a Submit that says so", func(t *testing.T, w *world) {
		c := w.change("a")
		c.Submit = func(context.Context, terraform.Attempt) (string, error) {
			return "", fmt.Errorf("%w: already bound", terraform.ErrNotStarted)
		}
		result, diags := w.run(t.Context(), c)
		require.Equal(t, terraform.NotStarted, result.End)
		require.Equal(t, "Error: No bind_ldap job was started: no job was started: already bound", text(diags))
	})
	test(t, "starts nothing at a server whose certificate does not verify", func(t *testing.T, w *world) {
		c := w.change("a")
		c.Submit = func(context.Context, terraform.Attempt) (string, error) {
			return "", &url.Error{Op: "Post", URL: w.url, Err: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}}
		}
		result, diags := w.run(t.Context(), c)
		require.Equal(t, terraform.NotStarted, result.End)
		require.Regexp(t, `^Error: No bind_ldap job was started: .*unknown authority`, text(diags))
	})
	test(t, "starts nothing that it cannot record", func(t *testing.T, w *world) {
		require.NoError(t, os.RemoveAll(w.folder))
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.NotStarted, result.End)
		require.Contains(t, text(diags), "journal of jobs")
		require.Empty(t, w.jobs())
	})
}

func TestResume(t *testing.T) {
	test(t, "goes on with the job of an interrupted Create, whose end is a warning", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		c := w.change("a")
		c.Creates = true
		result, diags := w.run(interrupted(t, 10*time.Second), c)
		require.Equal(t, terraform.Unfinished, result.End)
		require.Regexp(t, `^Warning: Interrupted: bind_ldap job `+w.jobs()[0]+` may go on`, text(diags))
		require.Regexp(t, `The job itself may go on: apply again  Its id is recorded: the next apply or destroy goes on with it`, text(diags))
		require.Equal(t, w.jobs()[0], pending(w))

		w.folder = t.TempDir() // another machine: it has the state only
		w.restart()
		result, diags = w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1)
		require.Empty(t, pending(w))
	})
	test(t, "is an error after an interrupt otherwise, and after a timeout", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		result, diags := w.run(interrupted(t, 10*time.Second), w.change("a"))
		require.Equal(t, terraform.Unfinished, result.End)
		require.Regexp(t, `^Error: Interrupted: `, text(diags))

		c := w.change("a")
		c.Creates, c.Timeout = true, 10*time.Second
		result, diags = w.run(t.Context(), c)
		require.Equal(t, terraform.Unfinished, result.End)
		require.Regexp(t, `^Error: Not done within the timeout of 10s: .* may go on: .*tainted`, text(diags))
		require.Equal(t, w.jobs()[0], pending(w))
	})
	test(t, "does not lose the id to an interrupt during the submit", func(t *testing.T, w *world) {
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Delay: 10 * time.Second})
		result, _ := w.run(interrupted(t, time.Second), w.change("a"))
		require.Equal(t, terraform.Unfinished, result.End)
		require.Equal(t, w.jobs()[0], pending(w))
		require.Contains(t, w.journal(), w.jobs()[0])
	})
	for _, end := range []struct {
		name string
		job  status.Job
		want terraform.End
	}{{"succeeded", succeeds, terraform.Done}, {"failed", fails, terraform.JobFailed}} {
		test(t, "goes on with the journal's job after a kill, which meanwhile has "+end.name, func(t *testing.T, w *world) {
			w.server.Script("bind_ldap", lasting(time.Minute, end.job))
			_, _ = w.run(interrupted(t, 10*time.Second), w.change("a"))
			w.killed()
			time.Sleep(time.Hour)
			w.holds.Store(true)
			result, diags := w.run(t.Context(), w.change("a"))
			require.Equal(t, end.want, result.End, text(diags))
			require.Len(t, w.jobs(), 1)
		})
	}
	test(t, "submits nothing after a kill that came after the success", func(t *testing.T, w *world) {
		_, _ = w.run(t.Context(), w.change("a"))
		w.killed()
		w.holds.Store(true)
		result, diags := w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Equal(t, w.jobs(), []string{result.Job.ID}, "no other job, and the state has this one")
	})
	test(t, "looks at the service first after a submit without a response", func(t *testing.T, w *world) {
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Delay: time.Second, Break: pollertest.Reset})
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.MaybeStarted, result.End)
		require.Regexp(t, `^Error: A bind_ldap job may have been started: `, text(diags))
		w.killed()
		time.AfterFunc(2*time.Second, func() { w.holds.Store(true) })
		result, diags = w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1, "busy, then as wanted")
	})
	test(t, "submits again after a submit without a response if what is wanted showed before", func(t *testing.T, w *world) {
		w.holds.Store(true) // such as everything but the password
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 2, Status: http.StatusBadGateway})
		for _, end := range []terraform.End{terraform.MaybeStarted, terraform.MaybeStarted, terraform.Done} {
			result, diags := w.run(t.Context(), w.change("a"))
			require.Equal(t, end, result.End, text(diags))
			w.killed()
		}
		require.Len(t, w.jobs(), 1)
		result, _ := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1, "this one was seen to succeed")
	})
	test(t, "starts nothing if it cannot see what holds", func(t *testing.T, w *world) {
		c := w.change("a")
		c.Holds = func(context.Context) (bool, error) {
			return false, &poller.Error{StatusCode: 503, Code: "SFS.TURBO.0005", Message: "busy"}
		}
		result, diags := w.run(t.Context(), c)
		require.Equal(t, terraform.NotStarted, result.End)
		require.Regexp(t, `^Error: No bind_ldap job was started: .*SFS\.TURBO\.0005`, text(diags))
		require.Empty(t, w.befores)
		require.Empty(t, w.journal())
	})
	test(t, "remembers another intent's job while its own is refused", func(t *testing.T, w *world) {
		_, _ = w.run(interrupted(t, time.Second), w.change("a"))
		w.killed()
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Status: http.StatusForbidden})
		result, _ := w.run(t.Context(), w.change("b"))
		require.Equal(t, terraform.NotStarted, result.End)
		w.killed()
		_, _ = w.run(t.Context(), w.change("b"))
		require.Equal(t, []terraform.Attempt{terraform.None, terraform.Another, terraform.Another}, w.befores)
	})
	test(t, "keeps a lost attempt in the journal while the submit is refused", func(t *testing.T, w *world) {
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Delay: time.Second, Break: pollertest.Reset})
		_, _ = w.run(t.Context(), w.change("a"))
		w.killed()
		w.server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Status: http.StatusForbidden})
		result, _ := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.NotStarted, result.End)
		w.killed()
		w.holds.Store(true)
		result, _ = w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1)
	})
	test(t, "waits for another intent's job, shows its failure, then submits its own", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, fails))
		_, _ = w.run(interrupted(t, 10*time.Second), w.change("a"))
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		result, diags := w.run(t.Context(), w.change("b"))
		require.Regexp(t, `^Warning: The bind_ldap job failed: SFS\.TURBO\.0100: .*binding LDAP failed`, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 2)
		require.Equal(t, []terraform.Attempt{terraform.None, terraform.Another}, w.befores)
	})
	test(t, "does not wait for a job that the service has forgotten", func(t *testing.T, w *world) {
		_, _ = w.run(interrupted(t, time.Second), w.change("a"))
		w.server.Fail(pollertest.Rule{JobID: w.jobs()[0], Status: 404, Code: "SFS.TURBO.0019"})
		w.holds.Store(true)
		result, diags := w.run(t.Context(), w.change("a"))
		require.Regexp(t, `^Warning: The service no longer knows job `, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1)
	})
	test(t, "does not take a job that the journal remembers for what holds now", func(t *testing.T, w *world) {
		_, _ = w.run(interrupted(t, time.Second), w.change("a"))
		w.killed()
		result, _ := w.run(t.Context(), w.change("a")) // another machine has undone it meanwhile
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 2)
	})
	test(t, "goes on with the later one of the state's job and the journal's", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		_, _ = w.run(interrupted(t, 10*time.Second), w.change("a"))
		old, here := maps.Clone(w.private), w.folder
		w.holds.Store(true)
		_, _ = w.run(t.Context(), w.change("a"))
		_, _ = w.run(interrupted(t, 10*time.Second), w.change("b"))
		latest := w.private
		w.private = old // a kill: the state is from before the second job
		result, _ := w.run(t.Context(), w.change("b"))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 2)

		w.folder = t.TempDir() // another machine, which does not change what the first one's journal says
		w.restart()
		w.private = latest
		_, _ = w.run(interrupted(t, 10*time.Second), w.change("c"))
		w.folder = here
		w.restart()
		befores := len(w.befores)
		result, _ = w.run(t.Context(), w.change("c"))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 3)
		require.Len(t, w.befores, befores, "nothing to submit or to ask")
	})
	test(t, "keeps the job if the credential is rejected", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		w.server.Fail(pollertest.Rule{Call: pollertest.Poll, Skip: 1, Status: 401})
		result, diags := w.run(t.Context(), w.change("a"))
		require.Equal(t, terraform.Unfinished, result.End)
		require.Regexp(t, `^Error: Cannot wait any longer: .*401`, text(diags))
		require.Equal(t, w.jobs()[0], pending(w))
	})
}
