// Package wire reads and cleans what comes over the wire: error bodies, the headers
// Date and Retry-After, redirects, refusals, secrets, and the URLs that requests go to. It also has
// the transport, and limits how often a request goes over it. All but [Unfollowed], [LimitSends],
// [Sends] and [NewTransport] is pure and safe on any input.
package wire

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// MaxText is how many characters of one text from outside an error or a report
// quotes.
const MaxText = 768

// OneLine formats v, which may come from outside, as at most [MaxText] characters on
// one line.
func OneLine(v any) string {
	if err, ok := v.(error); ok {
		v = Text(err)
	}
	return Line(fmt.Sprint(v), MaxText)
}

// Text returns the text of an error that may come from outside: of one whose Error method panics,
// such as a nil pointer, its type.
func Text(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("an error without a text (%T)", err)
		}
	}()
	return err.Error()
}

// TrimBody removes blanks and a byte-order mark around a JSON document.
func TrimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimLeft(body, " \t\r\n\ufeff"))
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
	if len(text) <= limit && isLine(text) {
		return text
	}
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

// isLine reports whether text is printable ASCII, without a space at an end or two in a row.
func isLine(text string) bool {
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	return strings.Trim(text, " ") == text && !strings.Contains(text, "  ") && !strings.ContainsFunc(text, odd)
}
