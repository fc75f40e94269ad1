package wire

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
)

// A shorter secret is not a real one, and would be found in any text.
const shortestSecret = 6

// A text that shares this many bytes with the beginning of a secret echoes it:
// services cut the token that they quote.
const echo = 16

// Redact returns text without the secrets, whether they are whole or cut short, and as they are or
// escaped: for a URL, a form, JSON or HTML, also twice, or in base64; also across lines. It takes
// linear time.
func Redact(text string, secrets ...string) string { return redact(text, shortestSecret, secrets) }

// Mask is Redact for secrets of any length and of several lines: also with what [Line] makes of one.
// An empty one is none.
func Mask(text string, secrets ...string) string {
	for _, secret := range secrets {
		if line := Line(secret, len(secret)); line != secret {
			secrets = append(slices.Clip(secrets), line)
		}
	}
	return redact(text, 1, secrets)
}

func redact(text string, shortest int, secrets []string) string {
	if len(text) < shortest || !mayEcho(text, shortest, secrets) {
		return text // as nearly always, without an allocation
	}
	var r redaction
	for _, secret := range secrets {
		if len(secret) < shortest {
			continue
		}
		r.secrets = append(r.secrets, secret)
		for _, encoding := range encodings {
			if encoded(text, secret, encoding) {
				r.secrets = append(r.secrets, encoding.EncodeToString([]byte(secret)))
			}
		}
	}
	r.find(text, nil)
	r.unescape(text, nil, 2)
	return r.cut(text)
}

func mayEcho(text string, shortest int, secrets []string) bool {
	if strings.ContainsAny(text, "%+\\&\n\r") {
		return true
	}
	for _, secret := range secrets {
		if len(secret) < shortest {
			continue
		}
		if strings.Contains(text, secret[:min(len(secret), echo)]) {
			return true
		}
		for _, encoding := range encodings {
			if encoded(text, secret, encoding) {
				return true
			}
		}
	}
	return false
}

var encodings = []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding}

// encoded reports whether text has the beginning of a secret in base64. Fewer than three bytes of it
// would be found in any text.
func encoded(text, secret string, encoding *base64.Encoding) bool {
	var plain [echo / 4 * 3]byte
	var head [echo]byte
	n := copy(plain[:], secret) / 3 * 3
	encoding.Encode(head[:], plain[:n])
	return n > 0 && strings.Contains(text, string(head[:encoding.EncodedLen(n)]))
}

// redaction is what is to be cut out of a text.
type redaction struct {
	secrets []string
	spans   []span
}

type span struct{ start, end int }

// find adds where the secrets are. at is where in the whole text each byte of text comes from; nil
// if it is the whole text.
func (r *redaction) find(text string, at []int) {
	for _, secret := range r.secrets {
		head := secret[:min(len(secret), echo)]
		for from := 0; ; {
			i := strings.Index(text[from:], head)
			if i < 0 {
				break
			}
			start := from + i
			from = start + len(head)
			from += shared(text[from:], secret[len(head):])
			if at == nil {
				r.spans = append(r.spans, span{start, from})
			} else {
				r.spans = append(r.spans, span{at[start], at[from]})
			}
		}
	}
}

// unescape finds what is escaped, up to depth times.
func (r *redaction) unescape(text string, at []int, depth int) {
	if depth == 0 {
		return
	}
	for _, e := range escapes {
		if !strings.ContainsAny(text, e.begins) {
			continue
		}
		plain, from := e.decode(text)
		if plain == text {
			continue
		}
		if at != nil {
			for i := range from {
				from[i] = at[from[i]]
			}
		}
		r.find(plain, from)
		r.unescape(plain, from, depth-1)
	}
}

func (r *redaction) cut(text string) string {
	if r.spans == nil {
		return text
	}
	slices.SortFunc(r.spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var clean strings.Builder
	end := 0
	for _, s := range r.spans {
		s.end = s.start + len(strings.TrimRight(text[s.start:s.end], "\n\r")) // a line break after it stays
		if s.start >= end {
			clean.WriteString(text[end:s.start] + "[redacted]")
		}
		end = max(end, s.end)
	}
	clean.WriteString(text[end:])
	return clean.String()
}

// shared returns the length of the prefix that a and b share, in bytes.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
