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
		"empty object":     {"{}", body{Message: "JSON of an unknown shape"}},
		"list":             {`[{"code":"x"}]`, body{Message: "JSON of an unknown shape"}},
		"null":             {"null", body{Message: "JSON of an unknown shape"}},
		"text":             {"upstream connect error", body{Message: "not JSON"}},
		"truncated":        {`{"errCode":"SFS.TURBO.0019","errMsg":"Inv`, body{Message: "not JSON"}},
		"two objects":      {`{"code":"a"}{"code":"b"}`, body{Message: "not JSON"}},
		"too deep":         {strings.Repeat(`{"error":`, 20_000), body{Message: "not JSON"}},
		"HTML": {
			"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>",
			body{Message: `HTML page "502 Bad Gateway"`},
		},
		"HTML, spelled otherwise": {
			"<!DOCTYPE html><TITLE lang=en>\n Sign in &amp; go\n</TITLE>", body{Message: `HTML page "Sign in & go"`},
		},
		"HTML without a title": {"<html><body>secret things</body></html>", body{Message: "HTML page"}},
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

func FuzzDecodeError(f *testing.F) {
	const secret = "MIIQtgYJKoZIhvcNAQcC"
	for _, seed := range []string{
		"", " ", "{}", "null", "[]", "7", `"x"`, "<html>", "<title>502</title>", "\xff\xfe", `{"error":`,
		`{"errCode":"SFS.TURBO.0019","errMsg":"Invalid Job Id"}`,
		`{"error_code":"APIGW.0301","error_msg":"no MIIQtgYJKoZIhvcNAQcC","request_id":"r"}`,
		`{"error":{"code":401,"message":"m","title":"Unauthorized"}}`,
		`{"forbidden":{"message":"m","code":403}}`,
		`{"code":1e999,"message":{"a":[]}}`,
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
