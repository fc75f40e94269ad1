package status_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

func TestStatus(t *testing.T) {
	for s, want := range map[status.Status]struct{ known, terminal bool }{
		"waiting": {known: true},
		"running": {known: true},
		"success": {known: true, terminal: true},
		"failed":  {known: true, terminal: true},
	} {
		require.Equal(t, want.known, s.Known(), s)
		require.Equal(t, want.terminal, s.Terminal(), s)
	}
	for _, s := range []status.Status{
		"", " ", "SUCCESS", "Success", "success ", "succeeded", "successful", "complete", "done", "error", "fail",
		"failure", "FAILED", "Waiting", "RUNNING", "paused", "cancelled", "null", "true", "ſucceſs",
	} {
		require.False(t, s.Known(), "%q", s)
		require.False(t, s.Terminal(), "%q: a running job would count as ended", s)
	}
}

func TestTimestamp(t *testing.T) {
	second := time.Date(2023, 7, 26, 9, 33, 58, 0, time.UTC)
	milli := second.Add(123 * time.Millisecond)
	for wire, want := range map[status.Timestamp]time.Time{
		"2023-07-26 09:33:58":           second, // as documented
		"2023-07-26 09:33:58.123":       milli,
		" 2023-07-26 09:33:58\n":        second,
		"2023-07-26T09:33:58Z":          second, // as sibling services write it
		"2023-07-26T09:33:58.123Z":      milli,
		"2023-07-26T17:33:58+08:00":     second,
		"2023-07-26T17:33:58.123+08:00": milli,
		"2023-07-26T17:33:58+0800":      second,
		"2023-07-26T09:33:58":           second,
		"2023-07-26T09:33:58.123":       milli,
		"1690364038":                    second,
		"1690364038.123":                milli,
		"1690364038000":                 second,
		"1690364038123":                 milli,
		"1.690364038e12":                second,
		"1":                             time.Unix(1, 0).UTC(),
		"99999999999":                   time.Unix(99_999_999_999, 0).UTC(), // the last that is seconds
		"100000000000":                  time.UnixMilli(100_000_000_000).UTC(),
		"10000000000000":                time.UnixMilli(10_000_000_000_000).UTC(),
		"2024-02-29 23:59:59":           time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
	} {
		got, ok := wire.Time()
		require.True(t, ok, "%q", wire)
		require.Equal(t, want, got, "%q", wire)
		require.Equal(t, time.UTC, got.Location(), "%q", wire)
	}
}

func TestTimestampUnreadable(t *testing.T) {
	for _, wire := range []status.Timestamp{
		"", " ", "-", "null", "None", "N/A", "true", "{}", "now",
		"0", "0.5", "-0", "-1", "-1690364038", "10000000000001", "1e14", "1e309", "99999999999999999999999999999999",
		"NaN", "nan", "Inf", "+Inf", "-Inf", "infinity", "1690364038s", "1690364038 0",
		"0001-01-01 00:00:00", "0001-01-01T00:00:00Z", "0000-00-00 00:00:00", // what databases write for "never"
		"2023-07-26", "09:33:58", "2023-13-01 00:00:00", "2023-02-29 00:00:00", "2023-07-26 25:00:00",
		"2023-07-26 09:33:58 +0800 CST", "2023/07/26 09:33:58", "26.07.2023 09:33:58", "2023-07-26 09:33:58\x00",
	} {
		got, ok := wire.Time()
		require.False(t, ok, "%q was read as %v", wire, got)
		require.Zero(t, got, "%q", wire)
	}
}

func TestSameID(t *testing.T) {
	const id = "26f6b565-1111-2222-3333-03f0bd975433"
	for _, same := range []string{id, "26F6B565-1111-2222-3333-03F0BD975433", "26f6b56511112222333303f0bd975433", "26F6B56511112222333303F0BD975433"} {
		require.True(t, status.SameID(id, same), same)
		require.True(t, status.SameID(same, id), same)
	}
	for _, other := range []string{"", "26f6b565-1111-2222-3333-03f0bd975434", "26f6b565-1111-2222-3333-03f0bd97543", id + "0", " " + id} {
		require.False(t, status.SameID(id, other), other)
		require.False(t, status.SameID(other, id), other)
	}
}
