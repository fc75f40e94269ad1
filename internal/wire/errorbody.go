package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"regexp"
	"strings"
)

// ErrorBody is what an error body says. Each field is one line of printable text.
type ErrorBody struct {
	Code    string // "SFS.TURBO.0019", "APIGW.0301", "401", ...; "" if there is none
	Message string // the sender's words; for a body that is not JSON, what it is; "" if it is empty
	// RequestID is "" if there is none.
	RequestID string
}

// How long the fields may become, in characters: the service's page allows 36 and
// 512 for a code and a message.
const (
	maxCode      = 64
	maxMessage   = 512
	maxRequestID = 128
)

// DecodeError reads an error body of any of the known shapes:
//
//	{"errCode":"...","errMsg":"..."}
//	{"error_code":"...","error_msg":"...","request_id":"..."}
//	{"code":"...","message":"..."}
//	{"error":{...}} and {"forbidden":{...}} around any of these
//	empty, or a proxy's HTML page
//
// It is lenient: a byte-order mark is skipped, a code may be a number, and a field that is missing or has another
// type is empty. Secrets that the body echoes are redacted.
func DecodeError(body []byte, secrets ...string) ErrorBody {
	body = bytes.TrimSpace(WithoutMark(body))
	var b ErrorBody
	switch {
	case len(body) == 0:
		return ErrorBody{}
	case !json.Valid(body):
		b.Message = describe(body)
	default:
		var s shape
		_ = json.Unmarshal(body, &s) // fails if it is not an object, and then leaves s empty
		b = ErrorBody{Code: s.code(), Message: s.message(), RequestID: s.requestID()}
		if b == (ErrorBody{}) {
			b.Message = "JSON of an unknown shape"
		}
	}
	return ErrorBody{
		Code:      Line(Redact(b.Code, secrets...), maxCode),
		Message:   Line(Redact(b.Message, secrets...), maxMessage),
		RequestID: RequestID(b.RequestID, secrets...),
	}
}

// WithoutMark returns body without the byte-order mark that some servers put before JSON.
func WithoutMark(body []byte) []byte { return bytes.TrimLeft(body, " \t\r\n\ufeff") }

// RequestID cleans a request id from a header as [DecodeError] cleans one from a body.
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

// text is a string that may come as any scalar. Objects, lists and null are "".
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
