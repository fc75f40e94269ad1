// Package header reads the headers of an answer that say when. It is pure.
package header

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter is what a longer Retry-After is taken for. A waiter asks
// sooner than that anyway.
const longestRetryAfter = 24 * time.Hour

// RetryAfter returns how long a Retry-After header asks to stay away: seconds, or
// an HTTP date. That is a time on the server's clock, so it is compared to the
// answer's own date if it has one, else to now. What it can't read is 0.
func RetryAfter(header string, date, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	header = strings.TrimSpace(header)
	seconds, err := strconv.ParseInt(header, 10, 64) // of a number too big, the biggest
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

// Date returns the time of a Date header; zero if it can't be read.
func Date(header string) time.Time {
	at, err := http.ParseTime(header)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
