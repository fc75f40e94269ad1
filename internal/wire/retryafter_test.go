package wire

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := now.Add(-time.Hour) // the server's clock is slow
	at := func(t time.Time) string { return t.Format(http.TimeFormat) }
	const day = 24 * time.Hour
	for _, c := range []struct {
		header string
		date   time.Time
		want   time.Duration
	}{
		{"", date, 0},
		{"0", date, 0},
		{"5", date, 5 * time.Second},
		{" 120 ", date, 2 * time.Minute},
		{"-1", date, 0},
		{"-99999999999999999999999", date, 0},
		{"86400", date, day},
		{"86401", date, day},
		{"9223372036", date, day},
		{"9223372036854775807", date, day},
		{"99999999999999999999999", date, day},
		{"1.5", date, 0},
		{"1e3", date, 0},
		{"soon", date, 0},
		{at(date.Add(30 * time.Second)), date, 30 * time.Second},
		{at(date.Add(30*time.Second)) + " ", date, 30 * time.Second},
		{at(date), date, 0},
		{at(date.Add(-time.Minute)), date, 0},
		{at(now.Add(30 * time.Second)), time.Time{}, 30 * time.Second},
		{at(now.Add(-time.Second)), time.Time{}, 0},
		{"Sunday, 01-Mar-26 11:00:09 GMT", date, 9 * time.Second},
		{"Sun Mar  1 11:00:09 2026", date, 9 * time.Second},
		{"Fri, 31 Dec 9999 23:59:59 GMT", date, day},
		{"Mon, 01 Jan 0001 00:00:00 GMT", date, 0},
		{"2026-03-01T11:00:09Z", date, 0},
	} {
		require.Equal(t, c.want, RetryAfter(c.header, c.date, now), "%q", c.header)
	}
}

func TestDate(t *testing.T) {
	require.Equal(t, time.Date(2023, 7, 26, 9, 34, 0, 0, time.UTC), Date("Wed, 26 Jul 2023 09:34:00 GMT"))
	require.True(t, Date("").IsZero())
	require.True(t, Date("yesterday").IsZero())
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-7", "99999999999999999999", "Wed, 26 Jul 2023 09:34:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "1.5", "0x1"} {
		f.Add(seed, int64(1690364038), int64(1690364099))
		f.Add(seed, int64(0), int64(-1<<40))
	}
	f.Fuzz(func(t *testing.T, header string, date, now int64) {
		at, then := time.Unix(date, 0), time.Unix(now, 0)
		got := RetryAfter(header, at, then)
		if got < 0 || got > 24*time.Hour || got%time.Second != 0 {
			t.Fatalf("%q: %v", header, got)
		}
		if got != RetryAfter(header, at, then.Add(time.Hour)) {
			t.Fatalf("%q: depends on now, though there is a date", header)
		}
		if seconds := RetryAfter(header, time.Time{}, at); seconds != got {
			t.Fatalf("%q: %v by date, %v by now", header, got, seconds)
		}
	})
}
