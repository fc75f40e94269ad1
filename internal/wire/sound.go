package wire

import (
	"errors"
	"fmt"
	"net"
)

// Sound returns err. If calling its methods panics, as with a typed nil pointer or a struct without
// the error that it should wrap, it returns an error that stands for it, in which errors.Is and
// errors.As find what they can find without a panic. It is nil for nil.
func Sound(err error) error {
	if err == nil {
		return nil
	}
	text, readable := errorText(err)
	switch {
	case !walks(err):
		return errors.New(text)
	case !readable:
		return named{err, text}
	}
	return err
}

// ErrorText returns what err says, and does not panic.
func ErrorText(err error) string {
	text, _ := errorText(err)
	return text
}

func errorText(err error) (text string, readable bool) {
	defer func() {
		if recover() != nil {
			text, readable = fmt.Sprintf("an error that can't be read, of type %T", err), false
		}
	}()
	return err.Error(), true
}

// walks reports whether what err wraps can be searched, and asked whether it is a timeout.
func walks(err error) (ok bool) {
	defer func() { ok = recover() == nil }()
	_ = errors.Is(err, errAbsent)
	if e, found := errors.AsType[net.Error](err); found {
		e.Timeout()
	}
	return true
}

var errAbsent = errors.New("no error is this one")

// named is an error with another text.
type named struct {
	error
	text string
}

func (e named) Error() string { return e.text }
func (e named) Unwrap() error { return e.error }
