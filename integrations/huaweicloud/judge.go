package huaweicloud

import (
	"context"
	"io"
	"maps"
	"net/http"

	"github.com/sfsturbo/waiter/poller"
)

// got is the result of a call. A [poller.Client] uses it as its credential and as its
// transport: so the Client reads it as it reads its own responses, and no error quotes a
// secret that was sent.
type got struct {
	unsigned error // why nothing was sent; otherwise:
	sent     http.Header
	resp     *http.Response // the body not yet read; otherwise:
	err      error
}

func (g got) Authorize(_ context.Context, r *http.Request) error {
	maps.Copy(r.Header, g.sent)
	return g.unsigned
}

func (g got) RoundTrip(*http.Request) (*http.Response, error) { return g.resp, g.err }

func (g got) close() {
	if g.resp != nil {
		_ = g.resp.Body.Close()
	}
}

// judge turns the result of a call into the result of a poll.
func (p *sdk) judge(ctx context.Context, jobID string, g got) (poller.Reply, error) {
	if g.resp != nil {
		g.resp.Body = body{g.resp.Body, ctx}
		stop := context.AfterFunc(ctx, g.close)
		defer stop()
	}
	client, err := reader(p.endpoint, *p.project.Load(), poller.WithHTTPClient(&http.Client{Transport: g}), poller.WithCredential(g))
	if err != nil {
		return poller.Reply{}, err
	}
	return client.Poll(ctx, jobID)
}

// reader returns a Client that reads responses from endpoint and sends nothing.
func reader(endpoint, project string, opts ...poller.Option) (*poller.Client, error) {
	return poller.New(endpoint, project, append(opts, poller.WithPlainHTTP())...)
}

// body is a response's body that is closed when ctx ends.
type body struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // the poll that reads the body
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil { //nolint:errorlint // readers return it bare
		err = context.Cause(b.ctx)
	}
	return n, err
}
