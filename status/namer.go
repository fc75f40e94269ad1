package status

import (
	"slices"
	"strconv"
	"strings"
)

// A namer names the sub-jobs of one response, in its order. A name depends only on the sub-jobs
// before it: so a merged snapshot, which has the kept ones last, gives each the name that it had
// in its own response. Were real ids to go first instead, a sub-job could take the name of one
// that had been delivered.
type namer struct {
	used  map[string]bool
	count map[string]int // by label
}

func label(sub *Job) string {
	if sub.ID != "" {
		return sub.ID
	}
	return sub.Type
}

func (n *namer) find(base string) (name string, count int) {
	for count = n.count[base] + 1; ; count++ {
		name = base
		if count > 1 || base == "" {
			name += "#" + strconv.Itoa(count)
		}
		if !n.used[name] {
			return name, count
		}
	}
}

func (n *namer) name(sub *Job) string {
	if n.used == nil {
		n.used, n.count = make(map[string]bool), make(map[string]int)
	}
	base := label(sub)
	name, count := n.find(base)
	n.used[name], n.count[base] = true, count
	return name
}

// find returns where the sub-job with a name is; if it is -1 and the name has a number, also the
// namer that has named all. A name without a number is that of the first sub-job with this label: to
// look for it takes a fraction of naming all, and each transition needs it for its checkpoint.
func find(subs []Job, name string) (int, namer) {
	if !strings.Contains(name, "#") {
		return slices.IndexFunc(subs, func(sub Job) bool { return label(&sub) == name }), namer{}
	}
	var names namer
	for i := range subs {
		if names.name(&subs[i]) == name {
			return i, names
		}
	}
	return -1, names
}

// ordinal is the number in the name of a sub-job, 1 if there is none.
func ordinal(t Transition) int {
	suffix, ok := strings.CutPrefix(t.SubJob, label(&t.Job)+"#")
	if !ok {
		return 1
	}
	n, _ := strconv.Atoi(suffix)
	return min(n, MaxSubJobs)
}
