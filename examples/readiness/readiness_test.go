package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// inMemory returns a service whose bind_ldap jobs follow the script, and a Provisioner that calls
// it. Within a synctest bubble its time is virtual.
func inMemory(t *testing.T, script ...pollertest.Step) (*pollertest.Server, Provisioner) {
	server := pollertest.New(pollertest.WithProject("p"), pollertest.WithToken("t"))
	t.Cleanup(server.Close)
	server.Script("bind_ldap", pollertest.Script{Steps: script})
	endpoint, client := server.Memory()
	return server, Provisioner{Endpoint: endpoint, Project: "p", Token: "t", HTTP: client}
}

func TestBindLDAPReturnsSoonAfterTheShareIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := inMemory(t,
			pollertest.Step{After: time.Minute, Job: status.Job{Status: status.Running}},
			pollertest.Step{After: 40 * time.Minute, Job: status.Job{Status: status.Success}})
		began := time.Now()
		if err := p.BindLDAP(t.Context(), "share", "ldap://10.0.0.7"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 40*time.Minute || took > 41*time.Minute {
			t.Errorf("ready after %v, the job took 40 minutes", took)
		}
	})
}

func TestBindLDAPOutlastsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, p := inMemory(t, pollertest.Step{After: 5 * time.Minute, Job: status.Job{Status: status.Success}})
		server.Fail(pollertest.Rule{Call: pollertest.Poll, From: time.Minute, Until: 10 * time.Minute, Status: http.StatusBadGateway})
		server.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 1, Break: pollertest.Hang})
		if err := p.BindLDAP(t.Context(), "share", "ldap://10.0.0.7"); err != nil {
			t.Fatal(err)
		}
		submitted := 0
		for _, r := range server.Requests() {
			if r.Call == pollertest.Submit {
				submitted++
			}
		}
		if submitted != 1 {
			t.Errorf("submitted %d times", submitted)
		}
	})
}

func TestBindLDAPSaysWhyTheShareIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := inMemory(t, pollertest.Step{After: 10 * time.Second, Job: status.Job{
			Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond",
		}})
		err := p.BindLDAP(t.Context(), "share-7", "ldap://10.0.0.7")
		if !errors.Is(err, waiter.ErrJobFailed) {
			t.Fatal(err)
		}
		for _, want := range []string{"share-7", "SFS.TURBO.0100", "the LDAP server does not respond"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
	})
}

func TestBindLDAPGivesUpAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := inMemory(t, pollertest.Step{Job: status.Job{Status: status.Running}}) // forever
		began := time.Now()
		err := p.BindLDAP(t.Context(), "share", "ldap://10.0.0.7")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Hour {
			t.Error("gave up after", took)
		}
	})
}

// A port is for code that does not take an HTTP client, or that runs in another process. Time is
// real there: the job should be quick.
func TestBindLDAPOnAPort(t *testing.T) {
	server := pollertest.New()
	t.Cleanup(server.Close)
	server.Script("bind_ldap", pollertest.Script{}) // succeeds at once
	p := Provisioner{Endpoint: server.Start(), Project: "p", Token: "t", HTTP: http.DefaultClient}
	if err := p.BindLDAP(t.Context(), "share", "ldap://10.0.0.7"); err != nil {
		t.Fatal(err)
	}
}
