package follow

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// gone remembers the sub-jobs that bound has dropped: by the digest of a name, that of its last
// status. It is nil except for jobs with thousands of sub-jobs that come and go.
type gone map[uint64]uint64

const maxGone = 16 * status.MaxSubJobs

// drop remembers the sub-jobs of merged from the n-th on. It reports whether there was room.
func (g *gone) drop(merged status.Job, n int) bool {
	if n == len(merged.SubJobs) {
		return true
	}
	named := status.Job{SubJobs: slices.Clone(merged.SubJobs)}
	for i := range named.SubJobs {
		if named.SubJobs[i].Status == "" {
			named.SubJobs[i].Status = anyName // Diff names only those with a status
		}
	}
	if *g == nil {
		*g = gone{}
	}
	for _, t := range status.Diff(status.Job{}, named, time.Time{})[n:] {
		if len(*g) >= maxGone {
			return false
		}
		(*g)[digest(t.SubJob, "")] = digest(t.SubJob, t.To)
	}
	return true
}

// back reports whether t is no change: the sub-job was dropped and has come back in the status that
// was delivered last. It is gone no longer.
func (g gone) back(t status.Transition) bool {
	if !t.IsSubJob() || t.From != "" || len(g) == 0 {
		return false
	}
	name := digest(t.SubJob, "")
	last, dropped := g[name]
	delete(g, name)
	return dropped && last == digest(t.SubJob, t.To)
}

// bytes and setBytes are the stored form.
func (g gone) bytes() []byte {
	data := make([]byte, 0, 16*len(g))
	for _, name := range slices.Sorted(maps.Keys(g)) {
		data = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(data, name), g[name])
	}
	return data
}

func (g *gone) setBytes(data []byte) {
	*g = nil
	for ; len(data) >= 16; data = data[16:] {
		if *g == nil {
			*g = gone{}
		}
		(*g)[binary.BigEndian.Uint64(data)] = binary.BigEndian.Uint64(data[8:])
	}
}
