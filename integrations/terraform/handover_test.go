package terraform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/terraform"
)

// tainted is a Create that timed out, and then the Delete of what it left.
func tainted(t *testing.T, w *world, object, intent string) (terraform.Result, terraform.Change) {
	w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
	c := w.change("a")
	c.Creates, c.Timeout = true, time.Second
	result, _ := w.run(t.Context(), c)
	require.Equal(t, terraform.Unfinished, result.End)
	w.folder = t.TempDir() // another machine
	w.killed()             // and Terraform drops a tainted object's private state
	if object != "" {
		require.Empty(t, terraform.PlanCreate(t.Context(), w.private, object, intent))
	}
	unbind := w.change("unbind")
	unbind.JobType = "unbind_ldap"
	unbind.Left = terraform.Left{JobID: w.jobs()[0], JobType: "bind_ldap", Intent: "a"}
	result, diags := w.run(t.Context(), unbind)
	require.Equal(t, terraform.Done, result.End, text(diags))
	w.private = private{}
	return result, c
}

func TestHandover(t *testing.T) {
	test(t, "has the Create after a tainted object's Delete go on with the job", func(t *testing.T, w *world) {
		_, create := tainted(t, w, "a-share/ldap", "a")
		create.Private, create.Timeout = w.private, time.Hour
		result, diags := w.run(t.Context(), create)
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1)
	})
	for name, planned := range map[string][2]string{
		"another object's Create": {"another-share/ldap", "a"}, "another intent's Create": {"a-share/ldap", "b"}, "no Create": {},
	} {
		test(t, "waits for the job and undoes it before "+name, func(t *testing.T, w *world) {
			tainted(t, w, planned[0], planned[1])
			require.Len(t, w.jobs(), 2)
			require.Equal(t, []terraform.Attempt{terraform.None, terraform.Another}, w.befores)
		})
	}
}
