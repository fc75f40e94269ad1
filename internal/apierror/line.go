package apierror

import (
	"strings"
	"unicode"
)

// Line returns text as one line: runs of spaces, newlines and whatever else does
// not print become one space, and after limit characters it ends in "…".
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

// A secret shorter than this is no real one, and is found in any text.
const shortestSecret = 6

// A text that shares this many bytes with the beginning of a secret echoes it:
// services cut the token that they quote.
const echo = 16

// Redact returns text without the secrets, whole or cut short.
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

// shared returns how many bytes a and b begin with alike.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
