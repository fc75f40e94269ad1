package huaweicloud

import (
	"context"
	"io"
	"net/http"

	"github.com/sfsturbo/waiter/poller"
)

// got is what came of a call. To a poller.Client it is the credential that it sends
// and the transport that answers: so the Client makes of it what it makes of its own
// answers, and no error quotes a secret that was sent.
type got struct {
	unsigned error // there was nothing to send; or else:
	sent     http.Header
	resp     *http.Response // the body not yet read; or else:
	err      error
}

func (g got) Authorize(_ context.Context, r *http.Request) error {
	for name, values := range g.sent {
		r.Header[name] = values
	}
	return g.unsigned
}

func (g got) RoundTrip(*http.Request) (*http.Response, error) { return g.resp, g.err }

func (g got) close() {
	if g.resp != nil {
		_ = g.resp.Body.Close()
	}
}

// judge makes of it what a poll returns.
func (p *sdk) judge(ctx context.Context, jobID string, g got) (poller.Reply, error) {
	if g.resp != nil {
		g.resp.Body = body{g.resp.Body, ctx}
		stop := context.AfterFunc(ctx, g.close)
		defer stop()
	}
	client, err := reader(p.endpoint, poller.WithHTTPClient(&http.Client{Transport: g}), poller.WithCredential(g))
	if err != nil {
		return poller.Reply{}, err
	}
	return client.Poll(ctx, jobID)
}

// reader returns a Client for answers from endpoint. It sends nothing, so that no
// project is needed.
func reader(endpoint string, opts ...poller.Option) (*poller.Client, error) {
	return poller.New(endpoint, "any", append(opts, poller.WithPlainHTTP())...)
}

// body is an answer's that is closed when ctx ends.
type body struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // of the read that it is made for
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil { //nolint:errorlint // readers return it bare
		err = context.Cause(b.ctx)
	}
	return n, err
}
