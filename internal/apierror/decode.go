// Package apierror reads the body of an answer that refuses: what the service
// itself, the gateway before it, IAM or a proxy on the way says went wrong.
//
// Everything here is pure, and safe on any input.
package apierror

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"regexp"
	"strings"
)

// Body is what an error body says. Each field is one line of printable text.
type Body struct {
	Code      string // "SFS.TURBO.0019", "APIGW.0301", "401", ...; "" if it has none
	Message   string // in the sender's words; of a body that is no JSON, what it is instead; "" of an empty one
	RequestID string // "" if it has none
}

// How long the fields may become, in characters: the service's page allows 36 and
// 512 for a code and a message.
const (
	maxCode      = 64
	maxMessage   = 512
	maxRequestID = 128
)

// Decode reads an error body of any of the known shapes:
//
//	{"errCode":"...","errMsg":"..."}
//	{"error_code":"...","error_msg":"...","request_id":"..."}
//	{"code":"...","message":"..."}
//	{"error":{...}} and {"forbidden":{...}} around any of these
//	empty, or a proxy's HTML page
//
// It is lenient: a code may be a number, and what is missing or of another type is
// empty. Wherever one of the secrets is echoed, it is redacted.
func Decode(body []byte, secrets ...string) Body {
	body = bytes.TrimSpace(body)
	var b Body
	switch {
	case len(body) == 0:
		return Body{}
	case !json.Valid(body):
		b.Message = describe(body)
	default:
		var s shape
		_ = json.Unmarshal(body, &s) // fails on what is not an object, and leaves s as it is
		b = Body{Code: s.code(), Message: s.message(), RequestID: s.requestID()}
		if b == (Body{}) {
			b.Message = "JSON of an unknown shape"
		}
	}
	return Body{
		Code:      Line(Redact(b.Code, secrets...), maxCode),
		Message:   Line(Redact(b.Message, secrets...), maxMessage),
		RequestID: RequestID(b.RequestID, secrets...),
	}
}

// RequestID returns a request id, from a header or a body, as [Decode] does.
func RequestID(id string, secrets ...string) string {
	return Line(Redact(id, secrets...), maxRequestID)
}

var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)

func describe(body []byte) string {
	if body[0] != '<' {
		return "not JSON"
	}
	if found := title.FindSubmatch(body); found != nil {
		return `HTML page "` + strings.TrimSpace(html.UnescapeString(string(found[1]))) + `"`
	}
	return "HTML page"
}

type shape struct {
	fields
	Error     nested `json:"error"`
	Forbidden nested `json:"forbidden"`
}

func (s *shape) code() string {
	return cmp.Or(s.fields.code(), s.Error.code(), s.Forbidden.code())
}

func (s *shape) message() string {
	return cmp.Or(s.fields.message(), s.Error.message(), s.Forbidden.message())
}

func (s *shape) requestID() string {
	return string(cmp.Or(s.RequestID, s.Error.RequestID, s.Forbidden.RequestID))
}

type fields struct {
	ErrCode   text `json:"errCode"`
	ErrMsg    text `json:"errMsg"`
	ErrorCode text `json:"error_code"`
	ErrorMsg  text `json:"error_msg"`
	Code      text `json:"code"`
	Message   text `json:"message"`
	RequestID text `json:"request_id"`
}

func (f *fields) code() string    { return string(cmp.Or(f.ErrCode, f.ErrorCode, f.Code)) }
func (f *fields) message() string { return string(cmp.Or(f.ErrMsg, f.ErrorMsg, f.Message)) }

// nested is an error within another object, or only its message.
type nested struct{ fields }

func (n *nested) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		return json.Unmarshal(data, &n.fields)
	}
	return json.Unmarshal(data, &n.Message)
}

// text is a string that may come as any scalar. What is no scalar is no text.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case 'n', '{', '[':
		*t = ""
	default:
		*t = text(data)
	}
	return nil
}
