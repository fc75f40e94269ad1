package simulation

import "time"

// SetPatience sets how long a case may take.
func SetPatience(d time.Duration) { patience = d }

var (
	Judge        = judge
	JudgeFailure = judgeFailure
)
