package wire_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDecodeError(t *testing.T) {
	type body = wire.ErrorBody
	for name, c := range map[string]struct {
		body string
		want body
	}{
		"the service": {`{"errCode":"SFS.TURBO.0019","errMsg":"Invalid Job Id"}`, body{Code: "SFS.TURBO.0019", Message: "Invalid Job Id"}},
		"the page's 400 and 404": {
			"{\n  \"errCode\" : \"SFS.TURBO.0001\",\n  \"errMsg\" : \"parameter error\"\n}\n",
			body{Code: "SFS.TURBO.0001", Message: "parameter error"},
		},
		"the page's 500": {
			"{\n  \"errCode\" : \"SFS.TURBO.0005\",\n  \"errMsg\" : \"Internal server error\"\n}\n",
			body{Code: "SFS.TURBO.0005", Message: "Internal server error"},
		},
		"the newer error page": {`{"error_code":"SFS.TURBO.0001","error_msg":"parameter error"}`, body{Code: "SFS.TURBO.0001", Message: "parameter error"}},
		"the gateway": {
			`{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information","request_id":"9f3c"}`,
			body{Code: "APIGW.0301", Message: "Incorrect IAM authentication information", RequestID: "9f3c"},
		},
		"IAM":              {`{"error":{"code":401,"message":"The token is invalid.","title":"Unauthorized"}}`, body{Code: "401", Message: "The token is invalid."}},
		"nested":           {`{"error":{"code":"Ecs.0114","message":"no"}}`, body{Code: "Ecs.0114", Message: "no"}},
		"nested gateway":   {`{"error":{"error_code":"APIG.0101","error_msg":"no","request_id":"r"}}`, body{Code: "APIG.0101", Message: "no", RequestID: "r"}},
		"forbidden":        {`{"forbidden":{"message":"not yours","code":403}}`, body{Code: "403", Message: "not yours"}},
		"forbidden, an id": {`{"forbidden":{"message":"m","request_id":"r"}}`, body{Message: "m", RequestID: "r"}},
		"flat":             {`{"code":"X.1","message":"m"}`, body{Code: "X.1", Message: "m"}},
		"flat, a number":   {`{"code":500,"message":"m"}`, body{Code: "500", Message: "m"}},
		"error as a text":  {`{"error":"Internal Server Error","path":"/v1"}`, body{Message: "Internal Server Error"}},
		"error as a list":  {`{"error":[1,2],"message":"m"}`, body{Message: "m"}},
		"error as null":    {`{"error":null,"forbidden":null,"code":"c"}`, body{Code: "c"}},
		"other types":      {`{"errCode":{"a":1},"errMsg":[true],"code":7,"message":true,"request_id":5}`, body{Code: "7", Message: "true", RequestID: "5"}},
		"outer goes first": {`{"code":"outer","error":{"code":"inner","message":"m"}}`, body{Code: "outer", Message: "m"}},
		"byte-order mark":  {"\ufeff" + `{"code":"c","message":"m"}`, body{Code: "c", Message: "m"}},
		"two marks":        {" \ufeff\r\n\ufeff" + `{"errCode":"c"}`, body{Code: "c"}},
		"mark, then HTML":  {"\ufeff<title>502</title>", body{Message: `HTML page "502"`}},
		"only a mark":      {"\ufeff \n", body{}},
		"empty":            {"", body{}},
		"blank":            {" \r\n", body{}},
		"empty object":     {"{}", body{Message: "JSON of an unknown shape: {}"}},
		"list":             {`[{"code":"x"}]`, body{Code: "x"}},
		"null":             {"null", body{Message: "JSON of an unknown shape: null"}},
		"list of numbers":  {`[1,2]`, body{Message: "JSON of an unknown shape: [1,2]"}},
		"JSON text":        {`"down for maintenance"`, body{Message: "down for maintenance"}},
		"text":             {"upstream connect error or\r\n disconnect\n", body{Message: "upstream connect error or disconnect"}},
		"text, not UTF-8":  {"\xc4\xe3\xba\xc3", body{Message: "neither JSON nor text"}},
		"truncated":        {`{"errCode":"SFS.TURBO.0019","errMsg":"Inv`, body{Message: `broken JSON: {"errCode":"SFS.TURBO.0019","errMsg":"Inv`}},
		"two objects":      {`{"code":"a"}{"code":"b"}`, body{Message: `broken JSON: {"code":"a"}{"code":"b"}`}},
		"too deep":         {strings.Repeat(`{"error":`, 20_000), body{Message: "broken JSON: " + strings.Repeat(`{"error":`, 60)[:512-len("broken JSON: ")] + "…"}},

		"item not found": {`{"itemNotFound":{"message":"No such project","code":404}}`, body{Code: "404", Message: "No such project"}},
		"bad request":    {`{"badRequest":{"message":"Bad job id","code":400}}`, body{Code: "400", Message: "Bad job id"}},
		"over limit":     {`{"overLimit":{"code":429,"message":"Slow down","details":"x","retryAfter":3}}`, body{Code: "429", Message: "Slow down"}},
		"unauthorized":   {`{"unauthorized":{"message":"no","code":401}}`, body{Code: "401", Message: "no"}},
		"compute fault":  {`{"computeFault":{"message":"down","code":500}}`, body{Code: "500", Message: "down"}},
		"a name unheard of, beside others": {
			`{"status":404,"request_id":"r","volumeNotFound":{"msg":"no","errorCode":"V.1"}}`, body{Code: "V.1", Message: "no", RequestID: "r"},
		},
		"errorCode":        {`{"errorCode":"E.1","errorMsg":"m","requestId":"r"}`, body{Code: "E.1", Message: "m", RequestID: "r"}},
		"err_code":         {`{"err_code":"E.1","err_msg":"m"}`, body{Code: "E.1", Message: "m"}},
		"errorMessage":     {`{"ErrorCode":"E.1","ErrorMessage":"m"}`, body{Code: "E.1", Message: "m"}},
		"msg":              {`{"code":7,"msg":"m"}`, body{Code: "7", Message: "m"}},
		"errors, objects":  {`{"errors":[{"code":"E.1","message":"one"},{"code":"E.2","detail":"two"}]}`, body{Code: "E.1", Message: "one; two"}},
		"errors, texts":    {`{"errors":["one","","two"]}`, body{Message: "one; two"}},
		"errors, one text": {`{"errors":"one"}`, body{Message: "one"}},
		"errors in errors": {`{"error":{"errors":[{"reason":"why"}]}}`, body{Message: "why"}},
		"many errors":      {`{"errors":["1","2","3","4","5","6"]}`, body{Message: "1; 2; 3; 4; 5"}},
		"OAuth":            {`{"error":"invalid_token","error_description":"The token has expired"}`, body{Message: "The token has expired"}},
		"problem details":  {`{"type":"about:blank","title":"Forbidden","status":403,"detail":"not yours"}`, body{Message: "not yours"}},
		"only a title":     {`{"title":"Forbidden","status":403}`, body{Message: "Forbidden"}},
		"Spring":           {`{"timestamp":"t","status":404,"error":"Not Found","message":"No handler","path":"/v1"}`, body{Message: "No handler"}},
		"a fault":          {`{"fault":{"faultstring":"x","message":"m","detail":{"errorcode":"E.1"}}}`, body{Code: "E.1", Message: "m"}},
		"sub-jobs are none": {
			`{"job_id":"a","sub_jobs":[{"error_code":"E.1","message":"m"}]}`,
			body{Message: `JSON of an unknown shape: {"job_id":"a","sub_jobs":[{"error_code":"E.1","message":"m"}]}`},
		},
		"deeper than four":  {`{"a":{"b":{"c":{"d":{"message":"m"}}}}}`, body{Message: `JSON of an unknown shape: {"a":{"b":{"c":{"d":{"message":"m"}}}}}`}},
		"a thousand names":  {`{` + strings.Repeat(`"x":1,`, 1000) + `"message":"m"}`, body{Message: ("JSON of an unknown shape: {" + strings.Repeat(`"x":1,`, 1000))[:512] + "…"}},
		"a form's":          {`{"errors":{"name":["is\nbad"]}}`, body{Message: `JSON of an unknown shape: {"errors":{"name":["is\nbad"]}}`}},
		"a list of details": {"{\"detail\":[\n  {\"msg\":\"field required\"}]}", body{Message: `JSON of an unknown shape: {"detail":[ {"msg":"field required"}]}`}},
		"a storage service": {
			`<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>The bucket &amp; all</Message></Error>`,
			body{Code: "NoSuchBucket", Message: "The bucket & all"},
		},
		"XML without words": {`<?xml version="1.0"?><a/>`, body{Message: "HTML page"}},
		"HTML": {
			"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>",
			body{Message: `HTML page "502 Bad Gateway"`},
		},
		"HTML, spelled otherwise": {
			"<!DOCTYPE html><TITLE lang=en>\n Sign in &amp; go\n</TITLE>", body{Message: `HTML page "Sign in & go"`},
		},
		"HTML without a title":       {"<html><body>secret things</body></html>", body{Message: "HTML page"}},
		"HTML with a message in it":  {"<html><body><message>secret things</message></body></html>", body{Message: "HTML page"}},
		"HTML without its outer tag": {"<h1>502</h1><message>secret things</message>", body{Message: "HTML page"}},
		"control characters": {
			`{"code":"a\u0000b","message":"one\r\n\ttwo\u001b[31m\u202e three\u0085","request_id":"\nx\n"}`,
			body{Code: "a b", Message: "one two [31m three", RequestID: "x"},
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, wire.DecodeError([]byte(c.body))) })
	}
}

func TestDecodeErrorBounds(t *testing.T) {
	long := strings.Repeat("错", 10_000)
	b := wire.DecodeError([]byte(`{"code":"` + long + `","message":"` + long + `","request_id":"` + long + `"}`))
	require.Equal(t, strings.Repeat("错", 64)+"…", b.Code)
	require.Equal(t, strings.Repeat("错", 512)+"…", b.Message)
	require.Equal(t, strings.Repeat("错", 128)+"…", b.RequestID)

	html := wire.DecodeError([]byte("<title>" + long + "</title>"))
	require.LessOrEqual(t, utf8.RuneCountInString(html.Message), 513)
}

func TestDecodeErrorRedactsBeforeItCuts(t *testing.T) {
	token := strings.Repeat("MIIQtgYJKoZIhvcNAQcCoIIQpzCC", 100)
	for _, body := range []string{
		`{"code":"` + token + `","message":"bad token ` + token + `!","request_id":"` + token + `"}`,
		`{"error":{"code":"` + token + `","message":"bad token ` + token[:600] + `"}}`,
		`{"message":"[redacted]` + strings.Repeat("x", 495) + token + `"}`, // the cut is within the token
		"<title>" + token + "</title>",
	} {
		b := wire.DecodeError([]byte(body), token)
		require.NotContains(t, b.Code+b.Message+b.RequestID, token[:5])
		require.Contains(t, b.Message, "[redacted]")
	}
}

func TestDescribe(t *testing.T) {
	for body, want := range map[string]string{
		"":                          "empty",
		"OK\n":                      `"OK"`,
		"<title>Sign in</title>":    `HTML page "Sign in"`,
		"null":                      "JSON of an unknown shape: null",
		`["a","b"]`:                 `"a; b"`,
		`[{"status":"running"}]`:    `JSON of an unknown shape: [{"status":"running"}]`,
		"\xff\xfe":                  "neither JSON nor text",
		`{"jobId":"a`:               `broken JSON: {"jobId":"a`,
		"no MIIQtgYJKoZIhvcNAQcC !": `"no [redacted] !"`,
		strings.Repeat("x", 116) + " MIIQtgYJKoZIhvcNAQcC": `"` + strings.Repeat("x", 116) + ` [redacted]…`,
	} {
		require.Equal(t, want, wire.Describe([]byte(body), "MIIQtgYJKoZIhvcNAQcC"), body)
	}
}

func FuzzDecodeError(f *testing.F) {
	const secret = "MIIQtgYJKoZIhvcNAQcC"
	for _, seed := range []string{
		"", " ", "{}", "null", "[]", "7", `"x"`, "<html>", "<title>502</title>", "\xff\xfe", `{"error":`,
		`{"errCode":"SFS.TURBO.0019","errMsg":"Invalid Job Id"}`,
		`{"error_code":"APIGW.0301","error_msg":"no MIIQtgYJKoZIhvcNAQcC","request_id":"r"}`,
		`{"error":{"code":401,"message":"m","title":"Unauthorized"}}`,
		`{"forbidden":{"message":"m","code":403}}`,
		`{"code":1e999,"message":{"a":[]}}`,
		`{"itemNotFound":{"message":"m","code":404}}`, `{"errors":[{"code":"c","message":"m"},"n",7]}`, "no MIIQtgYJKoZIhvcNAQcC",
		`<?xml version="1.0"?><Error><Code>c</Code><Message>m</Message></Error>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		got := wire.DecodeError(body, secret)
		if string(body) != before {
			t.Fatal("changed its input")
		}
		if got != wire.DecodeError(body, secret) {
			t.Fatal("not deterministic")
		}
		for _, field := range []struct {
			text  string
			limit int
		}{{got.Code, 64}, {got.Message, 512}, {got.RequestID, 128}} {
			if utf8.RuneCountInString(field.text) > field.limit+1 {
				t.Fatalf("too long: %q", field.text)
			}
			if strings.ContainsFunc(field.text, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(field.text) {
				t.Fatalf("does not print: %q", field.text)
			}
			if strings.Contains(field.text, secret) {
				t.Fatalf("holds the secret: %q", field.text)
			}
		}
	})
}
