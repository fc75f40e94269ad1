package huaweicloud

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/cenkalti/backoff/v4"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/impl"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/response"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// call is one ShowJobDetail, seen from inside: the SDK uses it as its credential, so it
// sees what is sent, and as its error handler, so it gets each response whole. What the
// SDK makes of a response lacks the error's code, Retry-After and Date, and the status if
// the response breaks off. The SDK also takes a redirect for a job without a status, fails
// on a begin_time that is a number, and reads a body without a limit.
type call struct {
	auth.ICredential // the client's own; nil if nothing may be sent

	sdk      *sdk
	jobID    string
	endpoint string
	got      got
}

// errTaken makes the SDK return at once.
var errTaken = errors.New("taken")

// ask calls ShowJobDetail.
func (p *sdk) ask(jobID string) got {
	c := &call{ICredential: p.credential(), sdk: p, jobID: jobID}
	err := p.show(c)
	if err == nil {
		c.got.err = backoff.Permanent(errors.New("this version of the SDK does not pass on its responses: use the version that this module requires"))
	} else if !errors.Is(err, errTaken) {
		c.got.err = err
		if u, ok := errors.AsType[*url.Error](err); ok {
			c.got.err = u.Err // the Client wraps it in another
		}
	}
	return c.got
}

// ProcessAuthRequest signs.
func (c *call) ProcessAuthRequest(client *impl.DefaultHttpClient, r *request.DefaultHttpRequest) (*request.DefaultHttpRequest, error) {
	c.endpoint = r.GetEndpoint()
	if c.ICredential == nil {
		return nil, errTaken
	}
	c.sdk.signing.Lock()
	defer c.sdk.signing.Unlock()
	signed, err := c.ICredential.ProcessAuthRequest(client, r)
	if err != nil {
		c.got.unsigned = unsigned(c.ICredential, err)
		return nil, errTaken
	}
	c.got.sent = make(http.Header)
	for name, value := range signed.GetHeaderParams() {
		c.got.sent.Set(name, value)
	}
	if id := c.got.sent.Get("X-Project-Id"); id != "" {
		c.sdk.project.Store(&id)
	}
	return signed, nil
}

// HandleError takes the response, whatever it is.
func (c *call) HandleError(_ *request.DefaultHttpRequest, resp *response.DefaultHttpResponse) error {
	c.got.resp = resp.Response
	return errTaken
}

// unsigned says why there is no signature. For a fixed key that is permanent. A temporary
// key comes from a service or a file that may work later.
func unsigned(keys auth.ICredential, err error) error {
	if fixed, ok := keys.(*auth.BasicCredentials); ok && fixed.StsAccessor == nil {
		return &credential.Error{Permanent: true, Err: err}
	}
	if e, ok := errors.AsType[*sdkerr.ServiceResponseError](err); ok {
		verdict := poller.Classify(&poller.Error{StatusCode: e.StatusCode})
		return &credential.Error{
			Permanent: verdict != poller.Passing && verdict != poller.Throttled,
			Err:       fmt.Errorf("no temporary key: HTTP %d %s", e.StatusCode, wire.Line(e.ErrorCode, 64)),
		}
	}
	// An error that comes neither from the network nor from a file (a syscall.Errno is a
	// net.Error) may quote a response behind the colon, and with it a key.
	if _, plain := errors.AsType[net.Error](err); !plain {
		what, _, _ := strings.Cut(err.Error(), ": ")
		err = errors.New(wire.Line(what, 128))
	}
	return &credential.Error{Err: fmt.Errorf("no temporary key: %w", err)}
}
