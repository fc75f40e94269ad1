package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sfsturbo/waiter/status"
)

// thing is a sub-job by its name.
type thing struct {
	name   string
	job    status.Job // as last seen
	told   status.Job // as last told
	isTold bool
}

func lookup(list []thing, name string) (thing, bool) {
	for _, t := range list {
		if t.name == name {
			return t, true
		}
	}
	return thing{}, false
}

// named gives the sub-jobs of one answer their names: the id, else the type, and
// for the second of a name and those without one the first number that is free.
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

// alike compares a job whose sub-jobs have these names to what is left after a crash,
// the fold of what was told: that may have the sub-jobs in another order, those without
// a status not at all, and a label of a namesake's (see status.Apply).
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
