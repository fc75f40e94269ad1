package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// The names under which bodies have a code and a message, without underscores and in lower
// case. An earlier one is preferred.
var (
	codeNames    = []string{"errcode", "errorcode", "code"}
	messageNames = []string{
		"errmsg", "errormsg", "message", "errormessage", "msg", "errmessage", "errordescription",
		"detail", "description", "reason", "error", "errors", "fault", "forbidden", "title",
	}
)

// A body may have a million names, and be nested as deeply as it likes.
const (
	maxNames  = 64 // of one object
	maxNested = 4  // values within values
	maxErrors = 5  // of one list
)

// errorFields are what one JSON value says.
type errorFields struct {
	code, message ranked
	requestID     string
}

// ranked is a text, and how far down the list of names its own stands.
type ranked struct {
	text string
	rank int
}

func (r *ranked) take(text string, names []string, name string) {
	rank := slices.Index(names, name)
	if text != "" && rank >= 0 && (r.text == "" || rank < r.rank) {
		*r = ranked{text, rank}
	}
}

// decodeFields reads valid JSON: what an outer object says goes before what an inner one says.
func decodeFields(data []byte) errorFields {
	if data[0] == '{' || data[0] == '[' {
		return nestedFields(data, "errors", maxNested)
	}
	return errorFields{message: ranked{text: scalar(data)}}
}

// nestedFields reads an object under any name, or a list of errors.
func nestedFields(data []byte, name string, depth int) errorFields {
	switch {
	case depth == 0:
		return errorFields{}
	case data[0] == '{':
		return objectFields(data, depth-1)
	case strings.Contains(name, "err"), strings.Contains(name, "fault"):
		return listFields(data, depth-1)
	}
	return errorFields{} // such as sub_jobs
}

func objectFields(data []byte, depth int) errorFields {
	var f errorFields
	var nested []errorFields
	d := json.NewDecoder(bytes.NewReader(data))
	_, _ = d.Token() // the brace
	var value json.RawMessage
	for range maxNames {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok || d.Decode(&value) != nil {
			break // the end
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", ""))
		if value[0] == '{' || value[0] == '[' {
			nested = append(nested, nestedFields(value, name, depth))
			continue
		}
		text := scalar(value)
		f.code.take(text, codeNames, name)
		f.message.take(text, messageNames, name)
		if name == "requestid" && f.requestID == "" {
			f.requestID = text
		}
	}
	for _, n := range nested {
		f.fill(n)
	}
	return f
}

func listFields(data []byte, depth int) errorFields {
	var f errorFields
	var said []string
	d := json.NewDecoder(bytes.NewReader(data))
	_, _ = d.Token() // the bracket
	var value json.RawMessage
	for range maxErrors {
		if !d.More() || d.Decode(&value) != nil {
			break
		}
		switch value[0] {
		case '"':
			said = append(said, scalar(value))
		case '{':
			one := nestedFields(value, "", depth)
			said = append(said, one.message.text)
			one.message.text = ""
			f.fill(one)
		}
	}
	said = slices.DeleteFunc(said, func(words string) bool { return words == "" })
	f.message.text = strings.Join(said, "; ")
	return f
}

// fill takes over what f lacks.
func (f *errorFields) fill(from errorFields) {
	if f.code.text == "" {
		f.code = from.code
	}
	if f.message.text == "" {
		f.message = from.message
	}
	if f.requestID == "" {
		f.requestID = from.requestID
	}
}

// scalar returns a text, a number or a boolean as text. Anything else is "".
func scalar(data []byte) string {
	switch data[0] {
	case '"':
		var text string
		_ = json.Unmarshal(data, &text)
		return text
	case 'n', '{', '[':
		return ""
	}
	return string(data)
}
