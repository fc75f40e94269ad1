package status

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Status is a job's state as the service spells it. The four known ones are
// constants; the service has added statuses before, so any other is kept as sent.
type Status string

// The statuses that the service documents.
const (
	Waiting Status = "waiting" // accepted, not begun
	Running Status = "running"
	Success Status = "success" // ended well
	Failed  Status = "failed"  // ended badly: Job.ErrorCode and Job.FailReason say why
)

// Terminal reports whether a job in this state has ended: Success or Failed,
// in exactly this spelling, and nothing else.
func (s Status) Terminal() bool { return s == Success || s == Failed }

// Known reports whether s is one of the four documented statuses, in exactly
// this spelling.
func (s Status) Known() bool {
	return s == Waiting || s == Running || s.Terminal()
}

// Timestamp is a moment as the service wrote it; "" if it wrote none. The
// documented form is UTC "2006-01-02 15:04:05".
type Timestamp string

var layouts = []string{
	time.DateTime,
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
}

// Time returns the moment in UTC. It reads the documented form, RFC 3339 with
// or without a zone, and epoch seconds or milliseconds; ok is false if t is
// absent or none of these.
func (t Timestamp) Time() (utc time.Time, ok bool) {
	s := strings.TrimSpace(string(t))
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), !at.IsZero()
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(n) || n < 1 || n > 1e13:
		return time.Time{}, false
	case n < 1e11: // seconds, up to the year 5138; as milliseconds this would be before 1973
		return time.UnixMilli(int64(math.Round(n * 1000))).UTC(), true
	default:
		return time.UnixMilli(int64(n)).UTC(), true
	}
}

// SameID reports whether two job ids name the same job: the service writes one
// id with and without dashes, in either case.
func SameID(a, b string) bool {
	return a == b || strings.EqualFold(strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", ""))
}
