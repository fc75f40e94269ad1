package follow

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/sfsturbo/waiter/status"
)

// A job that reaches more than these is not making progress: going on would let a service that
// invents names and statuses reset the schedule forever.
const (
	maxNames   = status.MaxSubJobs // of sub-jobs
	maxUnknown = 32                // statuses that are not documented
)

// isNew reports, once, whether the job or sub-job was never seen in the status that t brings.
// Going back and forth is not progress.
func (s *State) isNew(t status.Transition) bool {
	if t.IsSubJob() && t.From == "" {
		if s.names++; s.names > maxNames {
			return false
		}
	}
	if !t.To.Known() && s.unknown >= maxUnknown && !s.seen.has(anyName, t.To) {
		return false
	}
	return s.seen.add(t.SubJob, t.To)
}

// isFirstUnknown reports, once, whether a status is unknown.
func (s *State) isFirstUnknown(now status.Status) bool {
	if now == "" || now.Known() || s.unknown >= maxUnknown || !s.seen.add(anyName, now) {
		return false
	}
	s.unknown++
	return true
}

// isFirstDropped reports, once for each text, that something of a response was dropped. These texts
// count as unknown statuses do, so that a Poller that invents them fills neither memory nor log.
func (s *State) isFirstDropped(what string) bool {
	if what == "" || s.unknown >= maxUnknown || !s.seen.add(dropped, status.Status(what)) {
		return false
	}
	s.unknown++
	return true
}

// anyName stands for the job or any sub-job; no name of a sub-job is like these.
const (
	anyName = "\x00"
	dropped = "\x00\x00" // what was left out of a response
)

// seen is a sorted set of digests, one for each name in each status: 8 bytes, however long
// the name. Two that collide, which is improbable, cost one reset of the schedule.
type seen []uint64

func digest(name string, now status.Status) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "\x00" + string(now)))
	return h.Sum64()
}

func (s seen) has(name string, now status.Status) bool {
	_, found := slices.BinarySearch(s, digest(name, now))
	return found
}

// add reports whether it was not there.
func (s *seen) add(name string, now status.Status) bool {
	d := digest(name, now)
	at, found := slices.BinarySearch(*s, d)
	if !found {
		if n := len(*s); n == cap(*s) { // append would double it
			*s = append(make(seen, 0, n+n/4+2), *s...)
		}
		*s = slices.Insert(*s, at, d)
	}
	return !found
}

// bytes and setBytes are the stored form.
func (s seen) bytes() []byte {
	data := make([]byte, 0, 8*len(s))
	for _, d := range s {
		data = binary.BigEndian.AppendUint64(data, d)
	}
	return data
}

func (s *seen) setBytes(data []byte) {
	*s = make(seen, 0, len(data)/8)
	for ; len(data) >= 8; data = data[8:] {
		*s = append(*s, binary.BigEndian.Uint64(data))
	}
	slices.Sort(*s)
}
