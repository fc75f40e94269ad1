package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// edits change the n-th good response.
var edits = map[string]func(j *status.Job, n int){
	"upper case": func(j *status.Job, _ int) {
		j.Status = status.Status(strings.ToUpper(string(j.Status)))
		for i := range j.SubJobs {
			j.SubJobs[i].Status = status.Status(strings.ToUpper(string(j.SubJobs[i].Status)))
		}
	},
	"reordered": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			k := n % len(j.SubJobs)
			j.SubJobs = append(append([]status.Job{}, j.SubJobs[k:]...), j.SubJobs[:k]...)
		}
	},
	"one lost": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			k := n % len(j.SubJobs)
			j.SubJobs = append(append([]status.Job{}, j.SubJobs[:k]...), j.SubJobs[k+1:]...)
		}
	},
	"all lost": func(j *status.Job, _ int) { j.SubJobs = nil },
	"no id":    func(j *status.Job, _ int) { j.ID = "" },
	"bare id":  func(j *status.Job, _ int) { j.ID = strings.ToUpper(strings.ReplaceAll(j.ID, "-", "")) },
	"no type":  func(j *status.Job, _ int) { j.Type = "" },
	"one blank": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			j.SubJobs[n%len(j.SubJobs)].Status = ""
		}
	},
	"other words": func(j *status.Job, n int) {
		j.FailReason, j.BeginTime = words[n%len(words)], times[n%len(times)]
		if len(j.SubJobs) > 0 {
			j.SubJobs[n%len(j.SubJobs)].ErrorCode = words[n%len(words)]
		}
	},
}

// Other kinds of [Fault], and more that a poll may meet.
const (
	slow           = "slow"
	rejectedOnce   = "a token that a renewal fixes"
	retryAfter     = "Retry-After"
	retryAfterDate = "Retry-After as a date"
	retryAfterOdd  = "an invalid Retry-After"
	overlap        = "faults that overlap"
	behind         = "a replica that is behind"
	jumped         = "a server's clock that jumped"
)

// Everything lists what the polls of a tier have to meet; otherwise they prove little.
func Everything(tier string) (all []string) {
	all = append(all, slow, retryAfter, retryAfterDate, retryAfterOdd, overlap, behind, jumped)
	all = append(append(all, passing...), final...)
	if all = append(all, changes...); tier == HTTPTier {
		all = append(append(all, rejectedOnce), credentials...)
		all = append(all, spellings...)
	}
	return all
}

// Response is the result of one poll that nothing cuts short.
type Response struct {
	Kind       string        // of failure; "" for a good response
	Rejected   bool          // the credential is rejected first, and renewed
	Job        status.Job    // of a good response, as it is sent
	Spelling   string        // how it is sent; "" as on the service's page
	Latency    time.Duration // since the poll began, or the renewal
	RetryAfter time.Duration
	AsDate     bool
	Odd        string    // an invalid Retry-After
	Date       time.Time // the server's clock
	Met        []string  // of [Everything]
}

// took returns how long the poll takes.
func (a *Response) took() time.Duration {
	switch {
	case kinds[a.Kind].hangs:
		return never
	case a.Rejected:
		return 2 * a.Latency
	}
	return a.Latency
}

// rejection reports whether the credential is rejected at first.
func (a *Response) rejection() bool { return a.Rejected || kinds[a.Kind].means == poller.Unauthorized }

// Response returns the result of the n-th poll, counted from 0, if it begins now.
func (c *Case) Response(n int, now time.Duration) Response {
	s := &c.Service
	a := Response{Latency: s.Latency[n%len(s.Latency)]}
	meet := func(is bool, what string) {
		if is && !slices.Contains(a.Met, what) {
			a.Met = append(a.Met, what)
		}
	}
	clock := now
	for _, j := range s.Jumps {
		if now >= j.At {
			clock += j.By
		}
	}
	meet(clock != now, jumped)
	a.Date = Epoch.Add(clock).Truncate(time.Second)
	lag := time.Duration(0)
	if len(s.Lags) > 0 {
		lag = s.Lags[n%len(s.Lags)]
	}
	seen := s.at(now - lag)
	meet(lag > 0 && !equal(seen, s.at(now)), behind)
	active := 0
	for _, f := range s.Faults {
		if !f.active(now) {
			continue
		}
		active++
		if _, fails := kinds[f.Kind]; fails && a.Kind == "" && (f.Kind != noToken || c.Options.Credential == function) {
			a.Kind = f.Kind
		}
		if edit := edits[f.Kind]; edit != nil {
			was := seen.Clone()
			edit(&seen, n)
			meet(!equal(was, seen), f.Kind)
		}
		if slices.Contains(spellings, f.Kind) {
			a.Spelling = f.Kind
		}
		a.Rejected = a.Rejected || f.Kind == rejectedOnce
		a.Latency += f.Slow
		meet(f.Slow > 0, slow)
		if a.RetryAfter == 0 && a.Odd == "" {
			a.RetryAfter, a.AsDate, a.Odd = f.RetryAfter, f.AsDate, f.Odd
		}
	}
	meet(active > 1, overlap)
	if a.Kind == "" && seen.Status == "" {
		a.Kind = notKnown
	}
	k := kinds[a.Kind]
	a.Rejected = a.Rejected && (a.Kind == "" || k.responded && k.means != poller.Unauthorized)
	if a.Rejected && !c.Options.renews() {
		a.Kind, a.Rejected = rejected, false
		k = kinds[rejected]
	}
	if k.responded = k.responded || a.Kind == ""; !k.responded {
		a.RetryAfter, a.Odd = 0, ""
	}
	if k.local != nil || k.twice || a.Rejected {
		a.Latency = min(a.Latency, 40*time.Millisecond) // a fraction of any timeout, even twice
	}
	if a.Kind == "" || a.Kind == "another job" || a.Kind == "no status" {
		a.Job = seen
	}
	if a.Kind != "" {
		a.Spelling = ""
	}
	meet(a.Kind != "", a.Kind)
	meet(a.Rejected, rejectedOnce)
	meet(a.Spelling != "", a.Spelling)
	meet(a.RetryAfter > 0, retryAfter)
	meet(a.RetryAfter > 0 && a.AsDate, retryAfterDate)
	meet(a.Odd != "", retryAfterOdd)
	meet(k.responded, c.Options.Credential)
	return a
}

// at returns the job at a moment; gone before the first state.
func (s *Service) at(now time.Duration) (job status.Job) {
	for _, state := range s.States {
		if now >= state.At {
			job = state.Job.Clone()
		}
	}
	return job
}
