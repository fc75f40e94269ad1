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

func TestRedact(t *testing.T) {
	const secret = "0123456789abcdefghijklmnop"
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"nothing here", "nothing here"},
		{secret, "[redacted]"},
		{"token " + secret + " is bad", "token [redacted] is bad"},
		{secret + secret + "/" + secret, "[redacted][redacted]/[redacted]"},
		{"cut short: " + secret[:20] + "...", "cut short: [redacted]..."},
		{"another: " + secret[:16] + "ZZZ", "another: [redacted]ZZZ"},
		{"too little to tell: " + secret[:15], "too little to tell: " + secret[:15]},
	} {
		require.Equal(t, c.want, wire.Redact(c.text, secret), "%q", c.text)
	}
	require.Equal(t, "the token a is bad", wire.Redact("the token a is bad", "", "a", "token"), "too short to be a secret")
	require.Equal(t, "[redacted] and [redacted]", wire.Redact("s3cret and "+secret, "s3cret", secret))
}

func TestRedactTakesLinearTime(t *testing.T) {
	begin := time.Now()
	secret := strings.Repeat("a", 4096)
	wire.Redact(strings.Repeat("a", 1<<20), secret)
	wire.Redact(strings.Repeat("abcdefghijklmnopX", 1<<16), "abcdefghijklmnop")
	require.Less(t, time.Since(begin), 5*time.Second)
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
