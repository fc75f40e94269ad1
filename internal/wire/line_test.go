package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"\n \t", 5, ""},
		{"plain", 5, "plain"},
		{"plainer", 5, "plain…"},
		{"plain  ", 5, "plain"},
		{"  two\n\n words\u2028\u200b here ", 20, "two words here"},
		{"four words", 4, "four…"},
		{"four words", 5, "four …"},
		{"参数错误了", 4, "参数错误…"},
		{"参数\u3000错误", 9, "参数 错误"},
		{"bad \xff bytes", 20, "bad \ufffd bytes"},
		{"x", 0, "…"},
	} {
		require.Equal(t, c.want, wire.Line(c.text, c.limit), "%q", c.text)
	}
}

func TestOneLine(t *testing.T) {
	require.Equal(t, "a b", wire.OneLine(errors.New("a\r\n b")))
	require.Equal(t, strings.Repeat("x", 768)+"…", wire.OneLine(strings.Repeat("x", 769)))
}

func TestRound(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90*time.Second + 499*time.Millisecond:     "1m30s",
		10 * time.Second:                          "10s",
		9*time.Second + 960*time.Millisecond:      "10s",
		1*time.Second + 249*time.Millisecond:      "1.2s",
		999*time.Millisecond + 4*time.Microsecond: "999ms",
		0: "0s",
	} {
		require.Equal(t, want, wire.Round(d), "%v", d)
	}
}

// mine is an error of a user, of which a nil pointer is often returned as an error.
type mine struct{ text string }

func (e *mine) Error() string { return e.text }

func TestTextOfAnErrorThatPanics(t *testing.T) {
	require.Equal(t, "lost", wire.OneLine(&mine{"lost"}))
	require.Equal(t, "an error without a text (*wire_test.mine)", wire.OneLine((*mine)(nil)))
}
