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
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

// UnmarshalJSON decodes a response leniently: absent, null and "" are the same, numbers and
// booleans are kept as they are spelled, unknown keys are skipped, and so are the sub-jobs of a
// sub-job. A null is an empty job. It fails on anything else that is not an object, and on
// sub_jobs that are not a list of objects. Decoding replaces what j held.
func (j *Job) UnmarshalJSON(data []byte) error {
	var wire struct {
		fields
		SubJobs []*fields `json:"sub_jobs"` // nil for null, which is skipped
	}
	if json.Unmarshal(data, &wire) != nil {
		// Rare: sub_jobs is "", or there is an error to report.
		var lenient struct {
			fields
			SubJobs list `json:"sub_jobs"`
		}
		if err := json.Unmarshal(data, &lenient); err != nil {
			return err
		}
		wire.fields, wire.SubJobs = lenient.fields, lenient.SubJobs
	}
	*j = wire.job()
	wire.SubJobs = slices.DeleteFunc(wire.SubJobs, func(sub *fields) bool { return sub == nil })
	if len(wire.SubJobs) > 0 {
		j.SubJobs = make([]Job, len(wire.SubJobs))
	}
	for i, sub := range wire.SubJobs {
		j.SubJobs[i] = sub.job()
	}
	return nil
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

func (f *fields) job() Job {
	return Job{
		ID: string(f.ID), Type: string(f.Type), Status: Status(f.Status),
		BeginTime: Timestamp(f.BeginTime), EndTime: Timestamp(f.EndTime),
		ErrorCode: string(f.ErrorCode), FailReason: string(f.FailReason),
	}
}

// text is a string that may come as any scalar. What is no scalar is no text.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		if plain := data[1 : len(data)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*t = text(plain) // as an Unmarshal would, but in one allocation of three
			return nil
		}
		return json.Unmarshal(data, (*string)(t))
	case 'n', '{', '[':
		*t = ""
	default:
		*t = text(data)
	}
	return nil
}

// list decodes sub-jobs; null and "" are an empty one. Its error names the sub-job that is wrong.
type list []*fields

func (l *list) UnmarshalJSON(data []byte) error {
	*l = nil
	if s := string(data); s == "null" || s == `""` {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return errors.New("sub_jobs is not a list")
	}
	for d.More() {
		var sub *fields
		if err := d.Decode(&sub); err != nil {
			return fmt.Errorf("sub-job %d: %w", len(*l)+1, err)
		}
		if sub != nil {
			*l = append(*l, sub)
		}
	}
	return nil
}
