package poller_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// shapes are the bodies in which a code comes.
func shapes(code string) map[string]string {
	return map[string]string{
		"the service":   fmt.Sprintf(`{"errCode":%q,"errMsg":"words"}`, code),
		"the newer":     fmt.Sprintf(`{"error_code":%q,"error_msg":"words"}`, code),
		"the gateway":   fmt.Sprintf(`{"error_code":%q,"error_msg":"words","request_id":"r"}`, code),
		"IAM":           fmt.Sprintf(`{"error":{"code":%q,"message":"words","title":"Title"}}`, code),
		"forbidden":     fmt.Sprintf(`{"forbidden":{"message":"words","code":%q}}`, code),
		"code, message": fmt.Sprintf(`{"code":%q,"message":"words"}`, code),
	}
}

// The error table of the service, row by row, over the wire.
func TestClassifyResponses(t *testing.T) {
	const none = ""
	for _, row := range []struct {
		code  int
		codes []string
		want  poller.Verdict
	}{
		{404, []string{"SFS.TURBO.0019", "SFS.TURBO.0001", "SFS.TURBO.0002", "SFS.TURBO.0005", "SFS.TURBO.9999", "404", none}, poller.NotFound},
		{404, []string{"APIGW.0301", "APIG.0201", "APIGW.01010", "SFS.TURBO.0101", "X.0101", "0101"}, poller.NotFound},
		{400, []string{"SFS.TURBO.0001", "SFS.TURBO.0002"}, poller.NotFound},
		{404, []string{"APIGW.0101", "APIG.0101", "APIC.0101"}, poller.Permanent},
		{401, []string{"APIGW.0301", "APIGW.0307", "401", none}, poller.Unauthorized},
		{403, []string{"SFS.TURBO.9000", "APIGW.0302", "403", none}, poller.Permanent},
		{429, []string{"APIGW.0308", none}, poller.Throttled},
		{408, []string{"APIG.0201", none}, poller.Passing},
		{425, []string{none}, poller.Passing},
		{400, []string{"SFS.TURBO.0005"}, poller.Passing},
		{500, []string{"SFS.TURBO.0005", "SFS.TURBO.0019", "APIGW.0101", none}, poller.Passing},
		{501, []string{none}, poller.Passing},
		{502, []string{"APIG.0201", none}, poller.Passing},
		{503, []string{none}, poller.Passing},
		{504, []string{"APIG.0201", none}, poller.Passing},
		{599, []string{none}, poller.Passing},
		{400, []string{"SFS.TURBO.0019", "SFS.TURBO.0003", "APIG.0201", "APIGW.0101", "400", none}, poller.Permanent},
		{405, []string{none}, poller.Permanent},
		{407, []string{none}, poller.Permanent},
		{409, []string{"SFS.TURBO.0001", none}, poller.Permanent},
		{410, []string{none}, poller.Permanent},
		{413, []string{"APIG.0201", none}, poller.Permanent},
		{414, []string{"APIG.0201", none}, poller.Permanent},
		{494, []string{"APIG.0201", none}, poller.Permanent},
		{300, []string{none}, poller.Permanent},
		{301, []string{none}, poller.Permanent},
		{304, []string{none}, poller.Permanent},
		{307, []string{none}, poller.Permanent},
		{399, []string{none}, poller.Permanent},
	} {
		for _, code := range row.codes {
			bodies := shapes(code)
			if code == none {
				bodies = map[string]string{"empty": "", "HTML": "<html><title>Oops</title></html>", "unknown": `{"a":1}`, "truncated": `{"errCode":`}
			}
			if row.code == 304 { // has no body
				bodies = map[string]string{"empty": ""}
			}
			for name, body := range bodies {
				t.Run(fmt.Sprintf("%d %s %s", row.code, code, name), func(t *testing.T) {
					_, err := poll(t, answer(row.code, body))
					require.Equal(t, row.want, poller.Classify(err), "%v", err)
					require.Equal(t, row.want, poller.Classify(fmt.Errorf("wrapped: %w", err)))
					require.Equal(t, fmt.Sprint(row.code), poller.Kind(err))
					e, ok := errors.AsType[*poller.Error](err)
					require.True(t, ok)
					require.Equal(t, row.code, e.StatusCode)
					require.Equal(t, code, e.Code)
					require.NoError(t, e.Err)
				})
			}
		}
	}
}

// The samples of the service's page "查询job的状态详情" (2024-06-19).
func TestClassifyThePagesSamples(t *testing.T) {
	for _, c := range []struct {
		code          int
		body          string
		want          poller.Verdict
		errCode, text string
	}{
		{400, "{\n  \"errCode\" : \"SFS.TURBO.0001\",\n  \"errMsg\" : \"parameter error\"\n}", poller.NotFound, "SFS.TURBO.0001", "parameter error"},
		{404, "{\n  \"errCode\" : \"SFS.TURBO.0001\",\n  \"errMsg\" : \"parameter error\"\n}", poller.NotFound, "SFS.TURBO.0001", "parameter error"},
		{500, "{\n  \"errCode\" : \"SFS.TURBO.0005\",\n  \"errMsg\" : \"Internal server error\"\n}", poller.Passing, "SFS.TURBO.0005", "Internal server error"},
	} {
		s := serve(t, answer(c.code, c.body))
		_, err := client(t, s.URL).Poll(within(t, 10*time.Second), jobID)
		require.Equal(t, &poller.Error{StatusCode: c.code, Code: c.errCode, Message: c.text, Asked: s.URL + ", project project"}, err)
		require.Equal(t, c.want, poller.Classify(err))
	}
}

type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return false }

func TestClassifyAndKindOfOtherErrors(t *testing.T) {
	cause := errors.New("cause")
	untrusted := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	get := func(err error) error { return &url.Error{Op: "Get", URL: "https://e.com", Err: err} }
	for name, c := range map[string]struct {
		err  error
		want poller.Verdict
		kind string
	}{
		"nil":                    {nil, poller.Passing, ""},
		"unknown":                {cause, poller.Passing, "other"},
		"deadline":               {context.DeadlineExceeded, poller.Passing, "timeout"},
		"os deadline":            {os.ErrDeadlineExceeded, poller.Passing, "timeout"},
		"canceled":               {context.Canceled, poller.Passing, "other"},
		"request canceled":       {get(context.Canceled), poller.Passing, "other"},
		"net timeout":            {get(timeout{cause}), poller.Passing, "timeout"},
		"EOF":                    {io.EOF, poller.Passing, "network"},
		"unexpected EOF":         {get(io.ErrUnexpectedEOF), poller.Passing, "network"},
		"reset":                  {syscall.ECONNRESET, poller.Passing, "network"},
		"refused":                {get(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), poller.Passing, "network"},
		"no such host":           {get(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), poller.Passing, "network"},
		"certificate":            {get(untrusted), poller.Permanent, "network"},
		"expired":                {x509.CertificateInvalidError{Reason: x509.Expired}, poller.Permanent, "network"},
		"host name":              {x509.HostnameError{Certificate: &x509.Certificate{}}, poller.Permanent, "network"},
		"unknown authority":      {x509.UnknownAuthorityError{}, poller.Permanent, "network"},
		"no roots":               {x509.SystemRootsError{}, poller.Permanent, "network"},
		"critical extension":     {x509.UnhandledCriticalExtension{}, poller.Permanent, "network"},
		"constraint":             {x509.ConstraintViolationError{}, poller.Permanent, "network"},
		"algorithm":              {x509.InsecureAlgorithmError(0), poller.Permanent, "network"},
		"TLS alert":              {get(tls.AlertError(40)), poller.Passing, "network"},
		"no TLS":                 {tls.RecordHeaderError{}, poller.Passing, "network"},
		"plain HTTP":             {get(http.ErrSchemeMismatch), poller.Permanent, "network"},
		"plain HTTP, no URL":     {http.ErrSchemeMismatch, poller.Permanent, "other"},
		"TLS":                    {get(errors.New(`malformed HTTP response "\x15\x03\x01\x00\x02\x02"`)), poller.Permanent, "network"},
		"neither":                {get(errors.New(`malformed HTTP response "SSH-2.0"`)), poller.Passing, "network"},
		"scheme":                 {get(errors.New(`unsupported protocol scheme "ftp"`)), poller.Permanent, "network"},
		"permanent":              {backoff.Permanent(cause), poller.Permanent, "other"},
		"permanent 503":          {backoff.Permanent(&poller.Error{StatusCode: 503}), poller.Permanent, "503"},
		"permanent within":       {&credential.Error{Err: backoff.Permanent(cause)}, poller.Permanent, "credential"},
		"credential":             {&credential.Error{Err: cause}, poller.Passing, "credential"},
		"permanent credential":   {&credential.Error{Permanent: true, Err: cause}, poller.Permanent, "credential"},
		"credential in time":     {&credential.Error{Err: context.DeadlineExceeded}, poller.Passing, "credential"},
		"credential after a 401": {&credential.Error{Err: errors.Join(cause, &poller.Error{StatusCode: 401})}, poller.Passing, "credential"},
		"no status":              {&poller.Error{}, poller.Passing, "other"},
		"no status, certificate": {&poller.Error{Err: untrusted}, poller.Permanent, "network"},
		"no status, 403 within":  {&poller.Error{Err: &poller.Error{StatusCode: 403}}, poller.Permanent, "other"},
		"bad answer":             {&poller.Error{StatusCode: 200, Err: io.ErrUnexpectedEOF}, poller.Passing, "bad answer"},
		"slow answer":            {&poller.Error{StatusCode: 200, Err: context.DeadlineExceeded}, poller.Passing, "timeout"},
		"accepted":               {&poller.Error{StatusCode: 202}, poller.Passing, "bad answer"},
		"200 and a certificate":  {&poller.Error{StatusCode: 200, Err: untrusted}, poller.Passing, "bad answer"},
		"no HTTP status":         {&poller.Error{StatusCode: 12345}, poller.Passing, "other"},
		"continue":               {&poller.Error{StatusCode: 100}, poller.Passing, "100"},
		"joined":                 {errors.Join(cause, &poller.Error{StatusCode: 429}), poller.Throttled, "429"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, poller.Classify(c.err))
			require.Equal(t, c.kind, poller.Kind(c.err))
			if c.err != nil {
				wrapped := fmt.Errorf("job x: %w", c.err)
				require.Equal(t, c.want, poller.Classify(wrapped))
				require.Equal(t, c.kind, poller.Kind(wrapped))
			}
		})
	}
}

func TestUntrustedCertificateIsPermanent(t *testing.T) {
	s := httptest.NewUnstartedServer(answer(200, good))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	_, err := client(t, s.URL).Poll(within(t, 10*time.Second), jobID)
	require.Equal(t, poller.Permanent, poller.Classify(err))
	require.Equal(t, "network", poller.Kind(err))
	require.ErrorContains(t, err, "root certificates")
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	require.True(t, ok)
	_, ok = errors.AsType[*url.Error](err)
	require.True(t, ok)

	_, err = client(t, s.URL, poller.WithHTTPClient(s.Client())).Poll(within(t, 10*time.Second), jobID)
	require.NoError(t, err)
}

func TestUnsupportedSchemeIsPermanent(t *testing.T) {
	_, err := http.Get("gopher://example.com")
	require.Equal(t, poller.Permanent, poller.Classify(err))
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	_, err = client(t, "http://"+l.Addr().String()).Poll(t.Context(), jobID)
	require.Equal(t, poller.Passing, poller.Classify(err))
	require.Equal(t, "network", poller.Kind(err))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.EqualError(t, err, "no response from http://"+l.Addr().String()+", project project: dial tcp "+l.Addr().String()+": connect: connection refused; "+
		"nothing listens there: check the host and the port in the endpoint, and whether the way there leads through a proxy")
}

func TestNoSuchHostIsFoundInTheError(t *testing.T) {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "sfs-turbo.nowhere.myhuaweicloud.com", IsNotFound: true}}
	}}
	_, err := client(t, poller.Endpoint("nowhere"), poller.WithHTTPClient(&http.Client{Transport: transport})).Poll(t.Context(), jobID)
	dns, ok := errors.AsType[*net.DNSError](err)
	require.True(t, ok)
	require.True(t, dns.IsNotFound)
	require.EqualError(t, err, "no response from https://sfs-turbo.nowhere.myhuaweicloud.com, project project: dial tcp: lookup sfs-turbo.nowhere.myhuaweicloud.com: no such host; check the region in the endpoint")
	require.Equal(t, poller.Passing, poller.Classify(err))
}

func TestVerdictString(t *testing.T) {
	for v, want := range map[poller.Verdict]string{
		poller.Passing: "passing", poller.Throttled: "throttled", poller.NotFound: "not found",
		poller.Unauthorized: "unauthorized", poller.Permanent: "permanent", 42: "Verdict(42)", -1: "Verdict(-1)",
	} {
		require.Equal(t, want, v.String())
	}
}
