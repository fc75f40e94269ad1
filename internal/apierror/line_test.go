package apierror_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/apierror"
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
		require.Equal(t, c.want, apierror.Line(c.text, c.limit), "%q", c.text)
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
		require.Equal(t, c.want, apierror.Redact(c.text, secret), "%q", c.text)
	}
	require.Equal(t, "the token a is bad", apierror.Redact("the token a is bad", "", "a", "token"), "too short to be a secret")
	require.Equal(t, "[redacted] and [redacted]", apierror.Redact("s3cret and "+secret, "s3cret", secret))
}

func TestRedactTakesLinearTime(t *testing.T) {
	begin := time.Now()
	secret := strings.Repeat("a", 4096)
	apierror.Redact(strings.Repeat("a", 1<<20), secret)
	apierror.Redact(strings.Repeat("abcdefghijklmnopX", 1<<16), "abcdefghijklmnop")
	require.Less(t, time.Since(begin), 5*time.Second)
}
