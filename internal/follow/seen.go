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

// areNew reports, once, whether the job or a sub-job was never seen in the status that one of its
// transitions, which are of one response, brings. Going back and forth is not progress.
func (s *State) areNew(transitions []status.Transition) bool {
	var reached []uint64
	for _, t := range transitions {
		if t.IsSubJob() && t.From == "" {
			if s.names++; s.names > maxNames {
				continue
			}
		}
		if !t.To.Known() && s.unknown >= maxUnknown && !s.seen.has(digest(anyName, t.To)) {
			continue
		}
		if d := digest(t.SubJob, t.To); !s.seen.has(d) {
			reached = append(reached, d)
		}
	}
	s.seen.add(reached...)
	return len(reached) > 0
}

// isFirstUnknown reports, once, whether a status is unknown.
func (s *State) isFirstUnknown(now status.Status) bool {
	return now != "" && !now.Known() && s.isFirst(digest(anyName, now))
}

// isFirstDropped reports, once for each text, that something of a response was dropped. These texts
// count as unknown statuses do, so that a Poller that invents them fills neither memory nor log.
func (s *State) isFirstDropped(what string) bool {
	return what != "" && s.isFirst(digest(dropped, status.Status(what)))
}

func (s *State) isFirst(d uint64) bool {
	if s.unknown >= maxUnknown || s.seen.has(d) {
		return false
	}
	s.unknown++
	s.seen.add(d)
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

func (s seen) has(d uint64) bool {
	_, found := slices.BinarySearch(s, d)
	return found
}

// add adds digests that s does not have, all in one pass from the largest down.
func (s *seen) add(digests ...uint64) {
	slices.Sort(digests)
	old, n := len(*s), len(*s)+len(digests)
	if n > cap(*s) { // append would double it
		*s = append(make(seen, 0, max(n, old+old/4+2)), *s...)
	}
	*s = (*s)[:n]
	for at := n - 1; len(digests) > 0; at-- {
		last := len(digests) - 1
		if old > 0 && (*s)[old-1] > digests[last] {
			old--
			(*s)[at] = (*s)[old]
		} else {
			(*s)[at], digests = digests[last], digests[:last]
		}
	}
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
