//go:build unix

package sfsturbo_test

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

var toolKills = flag.Int("tool.kills", 6, "applies of the real tool in TestKill that are killed at random")

// bindings is what the share is bound to; empty if to nothing.
func bindings(t *testing.T, server *pollertest.Server) string {
	r, err := http.NewRequest(http.MethodGet, server.Start()+"/v1/"+project+"/sfs-turbo/shares/a-share/fs/ldap", nil)
	require.NoError(t, err)
	r.Header.Set("X-Auth-Token", token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var shown struct{ URL string }
	if resp.StatusCode == http.StatusOK {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&shown))
	}
	return shown.URL
}

// state is what the state says of the resource.
func (w *work) state() (attributes map[string]any, tainted bool) {
	var file struct {
		Resources []struct {
			Instances []struct {
				Status     string
				Attributes map[string]any
			}
		}
	}
	if text := w.read("terraform.tfstate"); text != "" {
		require.NoError(w.t, json.Unmarshal([]byte(text), &file))
	}
	if len(file.Resources) == 0 {
		return nil, false
	}
	return file.Resources[0].Instances[0].Attributes, file.Resources[0].Instances[0].Status == "tainted"
}

func TestSignal(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.server.Script("bind_ldap", lasting(3*time.Second, succeeds))
	w.server.Script("unbind_ldap", lasting(3*time.Second, succeeds))
	cmd, out := w.command("apply", "-auto-approve", "-input=false")
	require.NoError(t, cmd.Start())
	w.untilSubmitted(1)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait(), "the tool says that it was stopped")
	require.Regexp(t, `Warning: Interrupted: bind_ldap job \S+ may go on`, out.String())
	attributes, tainted := w.state()
	require.False(t, tainted)
	require.Equal(t, false, attributes["bound"])
	require.Equal(t, w.submitted()["POST"][0], attributes["job_id"])

	w.noSecrets(out.String())

	require.NoError(t, os.RemoveAll(w.folder+"/.terraform")) // another machine: it has the state only
	text, exit := w.run("plan", "-out", "plan")
	require.Zero(t, exit, text)
	text, exit = w.run("apply", "plan")
	require.Zero(t, exit, text)
	attributes, _ = w.state()
	require.Equal(t, true, attributes["bound"])
	require.Len(t, w.submitted()["POST"], 1)

	cmd, out = w.command("destroy", "-auto-approve", "-input=false")
	require.NoError(t, cmd.Start())
	w.untilSubmitted(2)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	require.Regexp(t, `Error: Interrupted: unbind_ldap job \S+ may go on`, out.String())
	require.NoError(t, os.RemoveAll(w.folder+"/.terraform"))
	text, exit = w.destroy()
	require.Zero(t, exit, text)
	require.Len(t, w.submitted()["DELETE"], 1)
	attributes, _ = w.state()
	require.Nil(t, attributes)
	w.noSecrets(text + out.String())
	require.Contains(t, w.read("log"), "job is running", "it is not empty")
}

func TestKill(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		kill func(*exec.Cmd)
	}{
		{"the tool", func(cmd *exec.Cmd) { _ = cmd.Process.Kill() }},
		{"the tool and its provider", killAll},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			w.server.Script("bind_ldap", lasting(3*time.Second, fails))
			cmd, _ := w.command("apply", "-auto-approve", "-input=false")
			require.NoError(t, cmd.Start())
			w.untilSubmitted(1)
			time.Sleep(200 * time.Millisecond)
			test.kill(cmd)
			_ = cmd.Wait()
			attributes, _ := w.state()
			require.Nil(t, attributes, "the tool stores nothing before the provider returns")

			out, exit := w.apply()
			require.Equal(t, 1, exit, out)
			require.Contains(t, out, "SFS.TURBO.0100", "the failure of the first apply's job is shown")
			require.Len(t, w.submitted()["POST"], 1)
			w.noSecrets(out)
		})
	}
	t.Run("at random", func(t *testing.T) {
		t.Parallel()
		w := begin(t)
		random := rand.New(rand.NewPCG(*seed, 0))
		w.server.Script("bind_ldap", lasting(time.Second, succeeds))
		w.server.Script("unbind_ldap", lasting(time.Second, succeeds))
		for n := 0; n < *toolKills; {
			for what, done := range map[string]func() (string, int){"apply": w.apply, "destroy": w.destroy} {
				before := len(jobs(w.server))
				for range 3 {
					cmd, _ := w.command(what, "-auto-approve", "-input=false")
					require.NoError(t, cmd.Start())
					timer := time.AfterFunc(time.Duration(random.IntN(1500))*time.Millisecond, func() { killAll(cmd) })
					err := cmd.Wait()
					timer.Stop()
					if n++; err == nil {
						break
					}
				}
				out, exit := done()
				require.Zero(t, exit, out)
				require.LessOrEqual(t, len(jobs(w.server))-before, 1, out)
			}
		}
		w.noSecrets("")
	})
}
