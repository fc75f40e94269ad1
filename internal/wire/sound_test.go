package wire_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"testing"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

type broken struct{ name string }

func (b *broken) Error() string        { return b.name }
func (b *broken) Is(target error) bool { return b.name == "x" && target == io.EOF }

func TestSoundKeepsAnErrorThatWorks(t *testing.T) {
	require.NoError(t, wire.Sound(nil))
	for _, err := range []error{
		io.EOF, &url.Error{Err: io.EOF}, &net.OpError{Op: "dial", Err: io.EOF}, &url.Error{}, &net.DNSError{},
		errors.Join(io.EOF, os.ErrClosed), fmt.Errorf("text: %w", io.EOF), &broken{"x"}, backoff.Permanent(io.EOF),
	} {
		require.True(t, err == wire.Sound(err), "%v is the same error", err) //nolint:errorlint // not one that wraps it
		require.Equal(t, err.Error(), wire.ErrorText(err))
		require.Equal(t, wire.OneLine(err.Error()), wire.OneLine(err))
	}
}

func TestSoundReplacesAnErrorThatPanics(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind string
	}{
		{(*url.Error)(nil), "*url.Error"},
		{&net.OpError{}, "*net.OpError"},
		{&os.PathError{}, "*fs.PathError"},
		{&os.SyscallError{}, "*os.SyscallError"},
		{(*broken)(nil), "*wire_test.broken"},
		{&backoff.PermanentError{}, "*backoff.PermanentError"},
	} {
		want := "an error that can't be read, of type " + c.kind
		require.EqualError(t, wire.Sound(c.err), want)
		require.Equal(t, want, wire.ErrorText(c.err))
		require.Equal(t, want, wire.OneLine(c.err))
		require.NotErrorIs(t, wire.Sound(c.err), io.EOF, "it can be searched")
		require.NotErrorIs(t, wire.Sound(fmt.Errorf("wrapped: %w", c.err)), io.EOF)
		require.NotErrorIs(t, wire.Sound(&url.Error{Err: c.err}), io.EOF)
	}
	_, ok := errors.AsType[*backoff.PermanentError](wire.Sound(&backoff.PermanentError{}))
	require.True(t, ok, "what can be searched without a panic is still found")
	require.EqualError(t, wire.Sound(&net.DNSError{}), "lookup : ")
}
