package wire

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
)

// escape is a way to escape characters.
type escape struct {
	begins string                                  // the characters that an escape begins with
	next   func(text string) (plain string, n int) // what the n bytes at the beginning of text stand for; n is 0 if they are no escape
}

var escapes = []escape{
	{"%", percent},
	{"%+", func(text string) (string, int) { // of a form
		if text[0] == '+' {
			return " ", 1
		}
		return percent(text)
	}},
	{`\`, backslash},
	{"&", entity},
	{"\n\r", func(string) (string, int) { return "", 1 }}, // a line that was broken
}

// decode returns the plain text, and for each of its bytes and its end the place in text.
func (e escape) decode(text string) (string, []int) {
	var plain strings.Builder
	at := make([]int, 0, len(text)+1)
	for i := 0; i < len(text); {
		one, n := "", 0
		if strings.IndexByte(e.begins, text[i]) >= 0 {
			one, n = e.next(text[i:])
		}
		if n == 0 {
			one, n = text[i:i+1], 1
		}
		plain.WriteString(one)
		for range len(one) {
			at = append(at, i)
		}
		i += n
	}
	return plain.String(), append(at, len(text))
}

func percent(text string) (string, int) {
	if b, ok := hex(text, 1, 2); ok {
		return octet(b), 3
	}
	return "", 0
}

// backslash decodes the escapes of JSON and of [strconv.Quote].
func backslash(text string) (string, int) {
	if len(text) < 2 {
		return "", 0
	}
	if i := strings.IndexByte("abfnrtv", text[1]); i >= 0 {
		return "\a\b\f\n\r\t\v"[i : i+1], 2
	}
	switch text[1] {
	case '"', '\'', '/', '\\':
		return text[1:2], 2
	case 'x':
		if b, ok := hex(text, 2, 2); ok {
			return octet(b), 4
		}
	case 'u':
		first, ok := hex(text, 2, 4)
		if !ok {
			break
		}
		if second, ok := hex(text, 8, 4); ok && text[6:8] == `\u` && utf16.IsSurrogate(first) {
			return string(utf16.DecodeRune(first, second)), 12
		}
		return string(first), 6
	case 'U':
		if r, ok := hex(text, 2, 8); ok {
			return string(r), 10
		}
	}
	return "", 0
}

// entity decodes what HTML has for a character, by name or by number.
func entity(text string) (string, int) {
	end := strings.IndexByte(text[:min(len(text), 12)], ';')
	if end < 0 {
		return "", 0
	}
	plain := html.UnescapeString(text[:end+1])
	if plain == text[:end+1] {
		return "", 0
	}
	return plain, end + 1
}

func octet(value rune) string { return string([]byte{byte(value & 0xff)}) }

// hex reads n hexadecimal digits of text from at on.
func hex(text string, at, n int) (rune, bool) {
	if len(text) < at+n {
		return 0, false
	}
	value, err := strconv.ParseUint(text[at:at+n], 16, 32)
	return rune(value), err == nil //nolint:gosec // at most eight digits
}
