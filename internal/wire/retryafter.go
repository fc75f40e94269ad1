package wire

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter caps a Retry-After. A waiter asks sooner than that anyway.
const longestRetryAfter = 24 * time.Hour

// RetryAfter parses a Retry-After header, which has seconds or an HTTP date. A fraction of a second
// counts as one. A date is on the server's clock, so it is compared to date, the response's own, or
// to now if date is zero. A negative or unreadable header is 0; the longest result is 24 hours.
func RetryAfter(header string, date, now time.Time) time.Duration {
	if header = strings.TrimSpace(header); header == "" {
		return 0
	}
	if seconds, ok := parseSeconds(header); ok {
		most := int64(longestRetryAfter / time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at := Date(header)
	if at.IsZero() {
		return 0
	}
	if date.IsZero() {
		date = now
	}
	return min(max(at.Sub(date), 0), longestRetryAfter)
}

// parseSeconds parses a decimal number and rounds it up; out of range, it is the nearest int64.
func parseSeconds(header string) (seconds int64, ok bool) {
	whole, fraction, _ := strings.Cut(header, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	negative := strings.HasPrefix(whole, "-") // of -0.5 the whole is no less than 0
	if !negative && seconds < math.MaxInt64 && strings.Trim(fraction, "0") != "" {
		seconds++
	}
	return seconds, true
}

// dates are the forms of a date that http.ParseTime does not read: by a zone other than GMT.
var dates = []string{
	"Mon, _2 Jan 2006 15:04:05 GMT",
	"Mon, _2 Jan 2006 15:04:05 UTC",
	"Mon, _2 Jan 2006 15:04:05 -0700",
	"Monday, _2-Jan-06 15:04:05 GMT",
	"Monday, _2-Jan-06 15:04:05 UTC",
}

// Date parses a Date header, as UTC, to the second, rounded up. It is zero if it can't be read.
func Date(header string) time.Time {
	header = strings.TrimSpace(header)
	at, err := http.ParseTime(header)
	for i := 0; err != nil && i < len(dates); i++ {
		at, err = time.Parse(dates[i], header)
	}
	if err != nil {
		return time.Time{}
	}
	return at.Add(time.Second - 1).UTC().Truncate(time.Second)
}
