package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter caps a Retry-After. A waiter asks sooner than that anyway.
const longestRetryAfter = 24 * time.Hour

// RetryAfter parses a Retry-After header, which has seconds or an HTTP date. A date is
// on the server's clock, so it is compared to date, the response's own, or to now if
// date is zero. A negative or unreadable header is 0; the longest result is 24 hours.
func RetryAfter(header string, date, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	header = strings.TrimSpace(header)
	seconds, err := strconv.ParseInt(header, 10, 64) // out of range, it is the nearest int64
	if err == nil || errors.Is(err, strconv.ErrRange) {
		most := int64(longestRetryAfter / time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	if date.IsZero() {
		date = now
	}
	return min(max(at.Sub(date), 0), longestRetryAfter)
}

// Date parses a Date header, as UTC. It is zero if it can't be read.
func Date(header string) time.Time {
	at, err := http.ParseTime(header)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
