// Package wire reads and cleans what comes over the wire: error bodies, the headers
// Date and Retry-After, redirects, and the URLs that requests go to. All but
// [Unfollowed] is pure and safe on any input.
package wire

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// MaxText is how many characters of one text from outside an error or a report
// quotes.
const MaxText = 768

// OneLine formats v, which may come from outside, as at most [MaxText] characters on one line. An
// error whose text panics is named by its type.
func OneLine(v any) string {
	if err, ok := v.(error); ok {
		v = ErrorText(err)
	}
	return Line(fmt.Sprint(v), MaxText)
}

// Round formats a duration with the precision that a reader can use: seconds from
// 10 s on, tenths from 1 s on, otherwise milliseconds.
func Round(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// Line returns text as one line: each run of spaces, newlines and other characters
// that do not print becomes one space. Text after limit characters becomes "…".
func Line(text string, limit int) string {
	var line strings.Builder
	written, gap := 0, false
	for _, r := range text {
		if r == ' ' || !unicode.IsPrint(r) {
			gap = written > 0
			continue
		}
		if gap && written < limit {
			line.WriteByte(' ')
			written++
		}
		gap = false
		if written >= limit {
			line.WriteString("…")
			break
		}
		line.WriteRune(r)
		written++
	}
	return line.String()
}

// A shorter secret is not a real one, and would be found in any text.
const shortestSecret = 6

// A text that shares this many bytes with the beginning of a secret echoes it:
// services cut the token that they quote.
const echo = 16

// Redact returns text without the secrets, whether they are whole or cut short. It
// takes linear time.
func Redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) < shortestSecret {
			continue
		}
		head := secret[:min(len(secret), echo)]
		rest := secret[len(head):]
		before, after, found := strings.Cut(text, head)
		if !found {
			continue
		}
		var clean strings.Builder
		for ; found; before, after, found = strings.Cut(after, head) {
			clean.WriteString(before)
			clean.WriteString("[redacted]")
			after = after[shared(after, rest):]
		}
		clean.WriteString(before)
		text = clean.String()
	}
	return text
}

// shared returns the length of the prefix that a and b share, in bytes.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
