package simulation

import (
	"encoding/json"
	"strings"

	"github.com/sfsturbo/waiter/status"
)

// spellings are ways to write the same response: absent, null and "" mean the same, and so do null
// and []; numbers may replace strings, and there may be unknown keys.
var spellings = []string{"blanks", "nulls", "numbers"}

// spell returns the job as a response in this spelling.
func spell(job status.Job, how string) string {
	fields := spellFields(job, how)
	subs := []map[string]any{}
	for _, sub := range job.SubJobs {
		subs = append(subs, spellFields(sub, how))
	}
	switch {
	case len(subs) > 0 || job.Type == "":
		fields["sub_jobs"] = subs
	case how == "nulls":
		fields["sub_jobs"] = nil
	case how == "blanks":
		fields["sub_jobs"] = ""
	}
	return string(must(json.Marshal(fields)))
}

func spellFields(job status.Job, how string) map[string]any {
	fields := map[string]any{
		"job_id": job.ID, "job_type": job.Type, "status": job.Status, "begin_time": job.BeginTime,
		"end_time": job.EndTime, "error_code": job.ErrorCode, "fail_reason": job.FailReason,
	}
	for key, value := range fields {
		var text string
		switch v := value.(type) {
		case string:
			text = v
		case status.Status:
			text = string(v)
		case status.Timestamp:
			text = string(v)
		}
		switch {
		case text == "" && how == "nulls":
			fields[key] = nil
		case text == "" && how == "numbers":
			delete(fields, key)
		case how == "numbers" && strings.Trim(text, "0123456789") == "" && text[0] != '0':
			fields[key] = json.Number(text)
		}
	}
	if how == "numbers" {
		fields["progress"] = map[string]any{"percent": 50, "status": "success"}
	}
	return fields
}
