package wire

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ErrorBody is what an error body says. Each field is one line of printable text.
type ErrorBody struct {
	Code    string // "SFS.TURBO.0019", "APIGW.0301", "401", ...; "" if there is none
	Message string // the sender's words; of an HTML page only the title; "" if the body is empty
	// RequestID is "" if there is none.
	RequestID string
}

// How long the fields may become, in characters: the service's page allows 36 and
// 512 for a code and a message.
const (
	maxCode      = 64
	maxMessage   = 512
	maxRequestID = 128
	maxDescribed = 128 // an error goes on after it
)

// DecodeError reads an error body of any of the known shapes:
//
//	{"errCode":"...","errMsg":"..."}
//	{"error_code":"...","error_msg":"...","request_id":"..."}
//	{"code":"...","message":"..."}, {"errorCode":"...","errorMsg":"..."}, {"err_code":"...", ...}
//	{"error":{...}}, {"forbidden":{...}}, {"itemNotFound":{...}}, ... around any of these
//	{"errors":[{...}]} and {"errors":["..."]}
//	plain text, or XML with a message
//	empty, or a proxy's HTML page
//
// It is lenient: a code may be a number, a name may be spelled with or without
// underscores, and a field that is missing or has another type is empty. Secrets that the
// body echoes are redacted.
func DecodeError(body []byte, secrets ...string) ErrorBody {
	body = TrimBody(body)
	b := read(body)
	if b == (ErrorBody{}) && len(body) > 0 {
		b.Message = describe(body)
	}
	return ErrorBody{
		Code:      Line(Redact(b.Code, secrets...), maxCode),
		Message:   Line(Redact(b.Message, secrets...), maxMessage),
		RequestID: RequestID(b.RequestID, secrets...),
	}
}

// Describe says what a body is that is not what was expected: in words, on one line, and without
// the secrets.
func Describe(body []byte, secrets ...string) string {
	body = TrimBody(body)
	said := describe(body)
	if b := read(body); b.Message != "" {
		said = `"` + b.Message + `"`
	}
	return Line(Redact(said, secrets...), maxDescribed)
}

// RequestID cleans a request id from a header as [DecodeError] cleans one from a body.
func RequestID(id string, secrets ...string) string {
	return Line(Redact(id, secrets...), maxRequestID)
}

var (
	isHTML = regexp.MustCompile(`(?i)<(!doctype html|html|head|body|title|h1|p|center)\b`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
	// XML with an error is what a storage service responds with that is asked by mistake.
	xmlCode    = regexp.MustCompile(`(?i)<code>([^<]*)</`)
	xmlMessage = regexp.MustCompile(`(?i)<message>([^<]*)</`)
)

// read returns what a body says, as far as it has a known shape.
func read(body []byte) ErrorBody {
	switch {
	case len(body) == 0, !utf8.Valid(body):
		return ErrorBody{}
	case body[0] == '<' && !isHTML.Match(body):
		return ErrorBody{Code: inner(xmlCode, body), Message: inner(xmlMessage, body)}
	case body[0] == '<':
		return ErrorBody{}
	case json.Valid(body):
		said := decodeFields(body)
		return ErrorBody{Code: said.code.text, Message: said.message.text, RequestID: said.requestID}
	case body[0] == '{', body[0] == '[':
		return ErrorBody{}
	}
	return ErrorBody{Message: string(body)}
}

// describe says what a body is in which read finds no words.
func describe(body []byte) string {
	switch {
	case len(body) == 0:
		return "empty"
	case body[0] == '<':
		if title := inner(title, body); title != "" {
			return `HTML page "` + title + `"`
		}
		return "HTML page"
	case json.Valid(body):
		return "JSON of an unknown shape: " + string(body)
	case !utf8.Valid(body):
		return "neither JSON nor text"
	}
	return "broken JSON: " + string(body)
}

func inner(pattern *regexp.Regexp, body []byte) string {
	found := pattern.FindSubmatch(body)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(html.UnescapeString(string(found[1])))
}
