// Package status defines what a job is, and what one response about it shows that an earlier one
// did not.
//
// [Diff] is the heart of it: given what has been delivered so far and a new response, it returns
// each change of the job and of its sub-jobs exactly once, in order. [Merge] is the snapshot
// behind it, and [Apply] folds delivered transitions back into a checkpoint. Everything here is
// pure: values in, values out, no clock. It is safe for concurrent use on values that nothing
// changes meanwhile.
package status

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSubJobs is how many sub-jobs one response may have. A response with more is a bad one.
const MaxSubJobs = 2_000

// Job is a job of the service, or a sub-job, as one response shows it. A sub-job has no SubJobs of
// its own. Any field may be empty: the service sends absent, null and "" alike.
//
// A Job is also a checkpoint: encoding it to JSON and decoding it again gives an equal Job.
type Job struct {
	ID         string    `json:"job_id,omitempty"`
	Type       string    `json:"job_type,omitempty"` // an open set: "bind_ldap", "create_share", ...
	Status     Status    `json:"status,omitempty"`
	BeginTime  Timestamp `json:"begin_time,omitempty"`
	EndTime    Timestamp `json:"end_time,omitempty"`
	ErrorCode  string    `json:"error_code,omitempty"`  // of a failed job
	FailReason string    `json:"fail_reason,omitempty"` // of a failed job
	SubJobs    []Job     `json:"sub_jobs,omitempty"`    // one level deep
}

// UnmarshalJSON decodes as [Decode] does, and does not say what was dropped. Decoding replaces what
// j held; an error leaves it as it was.
func (j *Job) UnmarshalJSON(data []byte) error {
	job, _, err := Decode(data)
	if err == nil {
		*j = job
	}
	return err
}

// Decode decodes a response leniently, because only the job's own status says whether it has ended:
// absent, null and "" are the same, numbers and booleans are kept as they are spelled, blanks and
// invisible characters around an id and a status are removed, and unknown keys, the sub-jobs of a
// sub-job and a byte-order mark are skipped. U+0000, which PostgreSQL cannot store, becomes U+FFFD.
// A null is an empty job.
//
// What can't be read is dropped, and the rest is kept: sub_jobs that are not a list, a sub-job that
// is not an object, a field that is an object or a list. dropped says in words what that was, or ""
// if nothing was dropped; it quotes nothing. The error is for a document that is not JSON, or not
// an object.
func Decode(data []byte) (job Job, dropped string, err error) {
	data = bytes.TrimLeft(data, " \t\r\n\ufeff")
	var plain struct {
		fields
		SubJobs []fields `json:"sub_jobs"`
	}
	if objects := bytes.Count(data, []byte("{")); objects > 1 {
		plain.SubJobs = make([]fields, 0, min(objects-1, MaxSubJobs)) // otherwise it grows
	}
	subs := list{}
	if !mayRepeat(data) && json.Unmarshal(data, &plain) == nil && !slices.Contains(plain.SubJobs, fields{}) {
		subs.of = plain.SubJobs
	} else { // rare: sub_jobs is not a list of objects, or may be there twice, or there is an error to report
		var lenient struct {
			fields
			SubJobs list `json:"sub_jobs"`
		}
		if err := json.Unmarshal(data, &lenient); err != nil {
			return Job{}, "", err
		}
		plain.fields, subs = lenient.fields, lenient.SubJobs
	}
	var unread unread
	job = plain.job(&unread, "")
	if subs.dropped != "" {
		unread.add(subs.dropped)
	}
	if n := len(subs.of); n > 0 {
		job.SubJobs = make([]Job, n)
	}
	for i := range subs.of {
		job.SubJobs[i] = subs.of[i].job(&unread, "a sub-job's ")
	}
	return job, strings.Join(unread, ", "), nil
}

// mayRepeat reports whether sub_jobs may be there twice, in any spelling that encoding/json takes
// for the key: it would decode the second list into the elements of the first. No letter but J
// folds to j, and no sign to the underscore before it.
func mayRepeat(data []byte) bool {
	return bytes.Count(data, []byte("_j"))+bytes.Count(data, []byte("_J")) > 1 || bytes.Contains(data, []byte(`\u00`))
}

// LogValue returns the job's id, type, status and, of a failed job, code: what a line of log/slog
// needs. It implements slog.LogValuer.
func (j Job) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", j.ID), slog.String("type", j.Type), slog.String("status", string(j.Status))}
	if j.ErrorCode != "" {
		attrs = append(attrs, slog.String("error_code", j.ErrorCode))
	}
	return slog.GroupValue(attrs...)
}

// Clone returns a copy that shares no memory with j.
func (j Job) Clone() Job {
	j.SubJobs = slices.Clone(j.SubJobs)
	return j
}

// fields are what a job and a sub-job have in common, as the service may send them.
type fields struct {
	ID         text `json:"job_id"`
	Type       text `json:"job_type"`
	Status     text `json:"status"`
	BeginTime  text `json:"begin_time"`
	EndTime    text `json:"end_time"`
	ErrorCode  text `json:"error_code"`
	FailReason text `json:"fail_reason"`
}

func (f *fields) job(u *unread, of string) Job {
	for i, t := range []*text{&f.ID, &f.Type, &f.Status, &f.BeginTime, &f.EndTime, &f.ErrorCode, &f.FailReason} {
		if *t == notText {
			*t = ""
			u.add(of + keys[i] + ", which is not a text")
		}
	}
	return Job{
		ID: trim(f.ID), Type: storable(f.Type), Status: Status(trim(f.Status)),
		BeginTime: Timestamp(storable(f.BeginTime)), EndTime: Timestamp(storable(f.EndTime)),
		ErrorCode: storable(f.ErrorCode), FailReason: storable(f.FailReason),
	}
}

var keys = [...]string{"job_id", "job_type", "status", "begin_time", "end_time", "error_code", "fail_reason"}

// trim removes the blanks and the invisible characters around t.
func trim(t text) string {
	return storable(text(strings.TrimFunc(string(t), func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) })))
}

func storable(t text) string { return strings.ReplaceAll(string(t), "\x00", "\ufffd") }

// unread says what was dropped, each kind once.
type unread []string

func (u *unread) add(what string) {
	if !slices.Contains(*u, what) {
		*u = append(*u, what)
	}
}

// text is a string that may come as any scalar.
type text string

// notText is for what is no scalar. No text that is decoded is like it, since it is not UTF-8.
const notText text = "\xff"

func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		plain := data[1 : len(data)-1]
		if bytes.IndexByte(plain, '\\') >= 0 || !utf8.Valid(plain) {
			return json.Unmarshal(data, (*string)(t))
		}
		*t = text(shared(plain))
	case 'n':
		*t = ""
	case '{', '[':
		*t = notText
	default:
		*t = text(data)
	}
	return nil
}

// shared returns s as a string: of a known status the constant, which takes no memory.
func shared(s []byte) string {
	for _, known := range [...]Status{Waiting, Running, Success, Failed} {
		if string(s) == string(known) {
			return string(known)
		}
	}
	return string(s)
}

// list is sub_jobs: those elements that are objects. A null element is not one.
type list struct {
	of      []fields
	dropped string
}

func (l *list) UnmarshalJSON(data []byte) error {
	*l = list{}
	switch {
	case string(data) == "null", string(data) == `""`:
		return nil
	case data[0] != '[':
		l.dropped = "sub_jobs, which is not a list"
		return nil
	}
	var elements []json.RawMessage
	_ = json.Unmarshal(data, &elements) // it is a valid list
	for _, element := range elements {
		var sub fields
		switch err := json.Unmarshal(element, &sub); {
		case err != nil:
			l.dropped = "a sub-job, which is not an object"
		case string(element) != "null":
			l.of = append(l.of, sub)
		}
	}
	return nil
}
