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
		{"30.0", date, 30 * time.Second},
		{"0.5", date, time.Second},
		{" 1.5 ", date, 2 * time.Second},
		{"1.000000000000000000001", date, 2 * time.Second},
		{"0.0", date, 0},
		{"7.", date, 7 * time.Second},
		{"+7", date, 7 * time.Second},
		{"-0.5", date, 0},
		{"-7.5", date, 0},
		{"86399.5", date, day},
		{"86400.5", date, day},
		{"99999999999999999999999.5", date, day},
		{".", date, 0},
		{".5", date, 0},
		{"1.5.2", date, 0},
		{"1.-5", date, 0},
		{"1,5", date, 0},
		{"1e3", date, 0},
		{"0x10", date, 0},
		{"1_0", date, 0},
		{"5s", date, 0},
		{"5 s", date, 0},
		{"NaN", date, 0},
		{"Inf", date, 0},
		{"soon", date, 0},
		{at(date.Add(30 * time.Second)), date, 30 * time.Second},
		{at(date.Add(30*time.Second)) + " ", date, 30 * time.Second},
		{at(date), date, 0},
		{at(date.Add(-time.Minute)), date, 0},
		{at(now.Add(30 * time.Second)), time.Time{}, 30 * time.Second},
		{at(now.Add(-time.Second)), time.Time{}, 0},
		{"Sunday, 01-Mar-26 11:00:09 GMT", date, 9 * time.Second},
		{"Sun Mar  1 11:00:09 2026", date, 9 * time.Second},
		{"Sunday, 01-Mar-26 11:00:09 UTC", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 11:00:09 UTC", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 11:00:09 +0000", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 11:00:09 -0000", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 19:00:09 +0800", date, 9 * time.Second},
		{"Sun, 1 Mar 2026 11:00:09 GMT", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 11:00:08.2 GMT", date, 9 * time.Second},
		{"Sun, 01 Mar 2026 11:00:09 CST", date, 0}, // whose zone that is, no one can say
		{"Sun, 01 Mar 2026 11:00:09", date, 0},
		{"Sun, 32 Mar 2026 11:00:09 UTC", date, 0},
		{"UTC", date, 0},
		{"Fri, 31 Dec 9999 23:59:59 GMT", date, day},
		{"Mon, 01 Jan 0001 00:00:00 GMT", date, 0},
		{"2026-03-01T11:00:09Z", date, 0},
	} {
		require.Equal(t, c.want, RetryAfter(c.header, c.date, now), "%q", c.header)
	}
}

func TestDate(t *testing.T) {
	for _, header := range []string{
		"Wed, 26 Jul 2023 09:34:00 GMT", "Wed, 26 Jul 2023 09:34:00 UTC", "Wed, 26 Jul 2023 09:34:00 +0000",
		"Wed, 26 Jul 2023 17:34:00 +0800", "Wednesday, 26-Jul-23 09:34:00 GMT", "Wednesday, 26-Jul-23 09:34:00 UTC",
		"Wed Jul 26 09:34:00 2023", " Wed, 26 Jul 2023 09:34:00 GMT ", "wed, 26 jul 2023 09:34:00 GMT",
	} {
		require.Equal(t, time.Date(2023, 7, 26, 9, 34, 0, 0, time.UTC), Date(header), "%q", header)
	}
	for _, header := range []string{
		"", "yesterday", "UTC", "+0000", "0", "1690364038", "Wed, 26 Jul 2023 09:34:00 CST", "Wed, 26 Jul 2023 09:34:00", "2023-07-26T09:34:00Z",
	} {
		require.True(t, Date(header).IsZero(), "%q", header)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-7", "99999999999999999999", "Wed, 26 Jul 2023 09:34:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "1.5", "0x1", "30.0", "Wed, 26 Jul 2023 09:34:00.5 UTC", "Wed, 26 Jul 2023 09:34:00 +0800"} {
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
