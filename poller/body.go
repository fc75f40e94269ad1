package poller

import (
	"bytes"
	"io"
	"sync"
)

const (
	maxBody  = 1 << 20  // bytes of a good response, after decompression
	keptBody = 64 << 10 // bytes of memory that are kept for the next response
)

// body is the body of a response, in memory that the next one uses again: nothing that is decoded
// may share it.
type body struct {
	bytes.Buffer
	limited io.LimitedReader
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// read reads up to one byte more than a good response has. What a Content-Length says is not
// asked: it may be a lie.
func (b *body) read(from io.Reader) error {
	b.limited = io.LimitedReader{R: from, N: maxBody + 1}
	_, err := b.ReadFrom(&b.limited)
	return err
}

func (b *body) free() {
	if b.Cap() > keptBody {
		return
	}
	b.Reset()
	b.limited.R = nil
	bodies.Put(b)
}
