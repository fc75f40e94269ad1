package sfsturbo_test

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

// wanted is the configuration of the resource.
func wanted(url string, version int64, timeout string) map[string]tftypes.Value {
	limits := map[string]tftypes.Value{"create": str(timeout), "update": str(timeout), "delete": str("1m")}
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"create": tftypes.String, "update": tftypes.String, "delete": tftypes.String}}
	return map[string]tftypes.Value{
		"share_id": str("a-share"), "url": str(url), "base_dn": str("dc=example,dc=com"), "user_dn": str("cn=admin"),
		"password": str(password), "password_version": tftypes.NewValue(tftypes.Number, version),
		"timeouts": tftypes.NewValue(kind, limits),
	}
}

type direct struct {
	*core
	t      *testing.T
	server *pollertest.Server
	folder string // of the journal
}

func start(t *testing.T) *direct {
	d := &direct{t: t, server: service(t), folder: t.TempDir()}
	d.server.Script("bind_ldap", lasting(300*time.Millisecond, succeeds))
	d.server.Script("update_ldap", lasting(300*time.Millisecond, succeeds))
	d.server.Script("unbind_ldap", lasting(300*time.Millisecond, succeeds))
	d.restart("ldap://x", 1, "1m")
	return d
}

// restart is a new provider, with the state of the one before.
func (d *direct) restart(url string, version int64, timeout string) {
	c, err := newCore(d.t.Context(), "", d.server.Start(), d.folder, wanted(url, version, timeout))
	require.NoError(d.t, err)
	if d.core != nil {
		c.State, c.Private, c.Tainted = d.State, d.Private, d.Tainted
	}
	d.core = c
}

func (d *direct) bound() (bound bool) {
	var all map[string]tftypes.Value
	require.NoError(d.t, d.prior().As(&all))
	require.NoError(d.t, all["bound"].As(&bound))
	return bound
}

// interrupt is Terraform's, once the service has started n jobs.
func (d *direct) interrupt(n int) {
	go func() {
		for total := 0; total < n; time.Sleep(10 * time.Millisecond) {
			total = 0
			for _, jobs := range submitted(d.server) {
				total += len(jobs)
			}
		}
		time.Sleep(50 * time.Millisecond)
		_, _ = d.provider.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{})
	}()
}

func TestProvider(t *testing.T) {
	t.Run("creates, updates and deletes", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		require.True(t, d.bound())
		require.NoError(t, d.apply(t.Context()))
		require.Equal(t, []string{"create"}, d.actions, "the second plan is empty")
		d.restart("ldap://y", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		d.restart("ldap://y", 2, "1m")
		require.NoError(t, d.apply(t.Context()), "a new password")
		require.NoError(t, d.destroy(t.Context()))
		jobs := submitted(d.server)
		require.Len(t, jobs["POST"], 1)
		require.Len(t, jobs["PUT"], 2)
		require.Len(t, jobs["DELETE"], 1)
	})
	t.Run("shows a failed job at the attribute at fault, and leaves no state", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", lasting(300*time.Millisecond, fails))
		err := d.apply(t.Context())
		require.ErrorContains(t, err, `AttributeName("url"): The bind_ldap job failed: SFS.TURBO.0100: `)
		require.ErrorContains(t, err, "SFS.TURBO.0101: cannot bind with [redacted]")
		require.NotContains(t, err.Error(), password)
		require.Nil(t, d.State)
	})
	t.Run("keeps the old state after an update that failed", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		d.server.Script("update_ldap", lasting(300*time.Millisecond, fails))
		d.restart("ldap://y", 1, "1m")
		require.ErrorContains(t, d.apply(t.Context()), "SFS.TURBO.0101")
		require.True(t, d.bound())
		d.server.Script("update_ldap", lasting(300*time.Millisecond, succeeds))
		require.NoError(t, d.apply(t.Context()))
		require.Len(t, submitted(d.server)["PUT"], 2)
	})
	t.Run("refuses a file system that is bound already", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		d.core, d.folder = nil, t.TempDir()
		d.restart("ldap://x", 1, "1m")
		require.ErrorContains(t, d.apply(t.Context()), "is bound to ldap://x already; import it")
		require.Len(t, submitted(d.server)["POST"], 1)
	})
	t.Run("does not take going back to a password for the earlier change", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		here, there := d.folder, t.TempDir()
		for version, folder := range []string{here, here, there, here} { // 0, 1, 0, 1
			d.folder = folder
			d.restart("ldap://x", int64(version%2), "1m")
			require.NoError(t, d.apply(t.Context()))
		}
		require.Len(t, submitted(d.server)["PUT"], 3)
	})
	for what, c := range map[string]struct {
		url  string
		lost pollertest.Rule
	}{
		"submits a new password again, because nothing that is shown tells whether the lost submit arrived": {"ldap://x", pollertest.Rule{Status: 502}},
		"takes what is shown for the change whose submit was lost, if it was not shown before":              {"ldap://y", pollertest.Rule{Break: pollertest.Reset}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			require.NoError(t, d.apply(t.Context()))
			c.lost.Call, c.lost.Times = pollertest.Submit, 1
			d.server.Fail(c.lost)
			d.restart(c.url, 2, "1m")
			require.ErrorContains(t, d.apply(t.Context()), "may have been started")
			d.restart(c.url, 2, "1m")
			require.NoError(t, d.apply(t.Context()))
			require.Len(t, submitted(d.server)["PUT"], 1, "a 502 never reaches the service; a reset comes after it")
		})
	}
	t.Run("deletes what is gone without a job", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		state, private := d.State, d.Private
		require.NoError(t, d.destroy(t.Context()))
		d.State, d.Private = state, private
		require.NoError(t, d.change(t.Context(), "delete", d.prior(), d.pack(d.null()), private))
		require.Len(t, submitted(d.server)["DELETE"], 1)
	})
}

func TestInterrupt(t *testing.T) {
	slow := lasting(3*time.Second, succeeds)
	t.Run("of a create has the next apply update", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", slow)
		d.interrupt(1)
		require.NoError(t, d.apply(t.Context()), "a warning only")
		require.False(t, d.bound() || d.Tainted)
		d.folder = t.TempDir() // another machine
		d.restart("ldap://x", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		require.True(t, d.bound())
		require.Equal(t, []string{"update"}, d.actions)
		require.Len(t, submitted(d.server)["POST"], 1)
	})
	t.Run("of a create does not stop a destroy, which waits first", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", slow)
		d.interrupt(1)
		require.NoError(t, d.apply(t.Context()))
		d.restart("ldap://x", 1, "1m")
		require.NoError(t, d.destroy(t.Context()))
		require.Len(t, submitted(d.server)["DELETE"], 1, "the binding that the job made is gone")
	})
	t.Run("of an update and of a delete is an error, and the next one goes on", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		d.server.Script("update_ldap", slow)
		d.restart("ldap://y", 1, "1m")
		d.interrupt(2)
		require.ErrorContains(t, d.apply(t.Context()), "Interrupted: ")
		d.folder = t.TempDir()
		d.restart("ldap://y", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		require.Len(t, submitted(d.server)["PUT"], 1)

		d.server.Script("unbind_ldap", slow)
		d.interrupt(3)
		require.ErrorContains(t, d.destroy(t.Context()), "Interrupted: ")
		d.folder = t.TempDir()
		d.restart("ldap://y", 1, "1m")
		require.NoError(t, d.destroy(t.Context()))
		require.Len(t, submitted(d.server)["DELETE"], 1)
		require.Nil(t, d.State)
	})
	t.Run("of a delete does not stop an apply, which binds again", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		require.NoError(t, d.apply(t.Context()))
		d.server.Script("unbind_ldap", slow)
		d.interrupt(2)
		require.ErrorContains(t, d.destroy(t.Context()), "Interrupted: ")
		d.restart("ldap://x", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		require.True(t, d.bound())
		require.Len(t, submitted(d.server)["POST"], 2)
	})
	t.Run("by the resource's timeout taints, and the next apply goes on all the same", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", slow)
		d.restart("ldap://x", 1, "1s")
		require.ErrorContains(t, d.apply(t.Context()), "Not done within the timeout of 1s")
		require.True(t, d.Tainted)
		d.folder = t.TempDir()
		d.restart("ldap://x", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		require.True(t, d.bound())
		require.Equal(t, []string{"delete", "create"}, d.actions)
		require.Len(t, submitted(d.server)["POST"], 1)
		require.Empty(t, submitted(d.server)["DELETE"])
	})
	t.Run("by the resource's timeout is undone by an apply that wants something else", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", slow)
		d.restart("ldap://x", 1, "1s")
		require.Error(t, d.apply(t.Context()))
		d.restart("ldap://y", 1, "1m")
		require.NoError(t, d.apply(t.Context()))
		require.True(t, d.bound())
		require.Len(t, submitted(d.server)["DELETE"], 1)
		require.Len(t, submitted(d.server)["POST"], 2)
	})
	t.Run("by the resource's timeout leaves what can be destroyed", func(t *testing.T) {
		t.Parallel()
		d := start(t)
		d.server.Script("bind_ldap", slow)
		d.restart("ldap://x", 1, "1s")
		require.Error(t, d.apply(t.Context()))
		d.restart("ldap://x", 1, "1m")
		require.NoError(t, d.destroy(t.Context()))
		require.Len(t, submitted(d.server)["DELETE"], 1)
		require.Nil(t, d.State)
	})
}
