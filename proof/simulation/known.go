package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sfsturbo/waiter/status"
)

// thing is a sub-job with its name.
type thing struct {
	name        string
	job         status.Job // as last seen
	delivered   status.Job // as last delivered
	isDelivered bool
}

func lookup(list []thing, name string) (thing, bool) {
	for _, t := range list {
		if t.name == name {
			return t, true
		}
	}
	return thing{}, false
}

// named returns the sub-jobs of one response with their names: the id, or the type if there is
// none. The second with a name, and those without one, get the first number that is free.
func named(subs []status.Job) []thing {
	var list []thing
	for _, sub := range subs {
		name := sub.ID
		if name == "" {
			name = sub.Type
		}
		taken := func(name string) bool {
			_, ok := lookup(list, name)
			return ok || name == ""
		}
		for n, base := 1, name; taken(name); n++ {
			if n > 1 || base == "" {
				name = fmt.Sprintf("%s#%d", base, n)
			}
		}
		list = append(list, thing{name: name, job: sub})
	}
	return list
}

// lower folds the case of the four statuses that the service documents.
func lower(s status.Status) status.Status {
	switch l := status.Status(strings.ToLower(string(s))); l {
	case "waiting", "running", "success", "failed":
		return l
	}
	return s
}

func equal(a, b status.Job) bool {
	return sameFields(a, b) && a.ID == b.ID && a.Type == b.Type && slices.EqualFunc(a.SubJobs, b.SubJobs, equal)
}

func sameFields(a, b status.Job) bool {
	return a.Status == b.Status && a.BeginTime == b.BeginTime && a.EndTime == b.EndTime &&
		a.ErrorCode == b.ErrorCode && a.FailReason == b.FailReason
}

// alike compares a job whose sub-jobs have these names with what is left after a crash: the fold of
// what was delivered. That may have the sub-jobs in another order, lack those without a status, and
// have the label of a sub-job with the same name (see status.Apply).
func alike(want status.Job, subs []thing, got status.Job) bool {
	subs, others := withStatus(subs), withStatus(named(got.SubJobs))
	if want.ID != got.ID || want.Type != got.Type || !sameFields(want, got) || len(subs) != len(others) {
		return false
	}
	for _, t := range subs {
		if other, ok := lookup(others, t.name); !ok || !sameFields(t.job, other.job) {
			return false
		}
	}
	return true
}

func withStatus(list []thing) (with []thing) {
	for _, t := range list {
		if t.job.Status != "" {
			with = append(with, t)
		}
	}
	return with
}
