package pollertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// response is what is to be sent.
type response struct {
	requestID string
	at        time.Time // of the request
	ofIAM     bool
	status    int
	header    http.Header
	job       *status.Job // of a poll: it becomes the body
	body      []byte
}

// fail makes the response an error.
func (a *response) fail(status int, shape Body, code, message string) {
	a.replace(Rule{Status: status, Body: shape, Code: code, Message: message})
}

// replace makes the response that r asks for.
func (a *response) replace(r Rule) {
	a.status = cmp.Or(r.Status, http.StatusOK)
	if r.Raw != "" {
		a.body = []byte(r.Raw)
		return
	}
	shape := cmp.Or(r.Body, usualShape(a.status, a.ofIAM))
	message := cmp.Or(r.Message, statusText(a.status))
	a.body = shapes[shape](a.status, r.Code, message, a.requestID)
	if shape == HTML {
		a.header = http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	}
}

// finish adds what each response has, and what r adds.
func (a *response) finish(r Rule) {
	if a.job != nil {
		a.body = encode(a.job)
	}
	if !r.replaces() {
		a.status = cmp.Or(r.Status, a.status)
	}
	h := http.Header{
		"Content-Type": {"application/json"},
		"Date":         {a.at.UTC().Format(http.TimeFormat)},
		"X-Request-Id": {a.requestID},
	}
	maps.Copy(h, a.header)
	if r.RetryAfter != "" {
		h.Set("Retry-After", r.RetryAfter)
	}
	for name, values := range r.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	a.header = h
}

func usualShape(status int, ofIAM bool) Body {
	switch {
	case status < 400:
		return Empty
	case status == 429 || status >= 502 && status <= 504:
		return Gateway
	case ofIAM:
		return IAM
	case status == 401:
		return Gateway
	}
	return Service
}

// statusText is never empty: a message has at least two characters.
func statusText(status int) string {
	return cmp.Or(http.StatusText(status), fmt.Sprintf("HTTP status %d", status))
}

// shapes encode an error's body. A code of "" is the usual one.
var shapes = map[Body]func(status int, code, message, requestID string) []byte{
	Service: func(status int, code, message, _ string) []byte {
		return encode(map[string]string{"errCode": serviceCode(status, code), "errMsg": message})
	},
	ServiceSnake: func(status int, code, message, _ string) []byte {
		return encode(map[string]string{"error_code": serviceCode(status, code), "error_msg": message})
	},
	Gateway: func(status int, code, message, requestID string) []byte {
		return encode(map[string]string{"error_code": gatewayCode(status, code), "error_msg": message, "request_id": requestID})
	},
	IAM: func(status int, code, message, _ string) []byte {
		inner := map[string]any{"code": status, "message": message, "title": statusText(status)}
		if code != "" {
			inner["code"] = code
		}
		return encode(map[string]any{"error": inner})
	},
	Forbidden: func(status int, _, message, _ string) []byte {
		return encode(map[string]any{"forbidden": map[string]any{"code": status, "message": message}})
	},
	Bare: func(status int, code, message, _ string) []byte {
		return encode(map[string]string{"code": serviceCode(status, code), "message": message})
	},
	HTML: func(_ int, _, message, _ string) []byte {
		return []byte("<html><head><title>" + message + "</title></head><body><h1>" + message + "</h1></body></html>\n")
	},
	Empty: func(int, string, string, string) []byte { return nil },
}

func serviceCode(status int, code string) string {
	usual := map[int]string{400: "SFS.TURBO.0001", 403: "SFS.TURBO.9000", 404: "SFS.TURBO.0019"}
	return cmp.Or(code, usual[status], "SFS.TURBO.0005")
}

func gatewayCode(status int, code string) string {
	usual := map[int]string{401: "APIGW.0301", 403: "APIGW.0302", 404: "APIGW.0101", 429: "APIGW.0308"}
	return cmp.Or(code, usual[status], "APIGW.0201")
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}
