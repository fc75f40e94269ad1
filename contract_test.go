package waiter_test

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/readmetest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Programs outside this repository compile against these names and signatures.
var (
	_ func(poller.Poller, ...waiter.Option) (*waiter.Waiter, error)                                                      = waiter.New
	_ func(*waiter.Waiter, context.Context, string, ...waiter.Option) (status.Job, error)                                = (*waiter.Waiter).Wait
	_ func(*waiter.Waiter, context.Context, string, ...waiter.Option) iter.Seq2[status.Transition, error]                = (*waiter.Waiter).Watch
	_ func(*waiter.Waiter, context.Context, func(context.Context) (string, error), ...waiter.Option) (status.Job, error) = (*waiter.Waiter).Run
	_ func(*waiter.Waiter, context.Context, []string, ...waiter.Option) ([]waiter.Result, error)                         = (*waiter.Waiter).WaitAll
	_ func(*waiter.Waiter, context.Context, waiter.Progress, ...waiter.Option) (waiter.Progress, error)                  = (*waiter.Waiter).Step
	_ func(func(status.Transition)) waiter.Option                                                                        = waiter.OnTransition
	_ func(func() backoff.BackOff) waiter.Option                                                                         = waiter.WithBackOff
	_ func(func() backoff.BackOff) waiter.Option                                                                         = waiter.WithFailureBackOff
	_ func(*zap.Logger) waiter.Option                                                                                    = waiter.WithLogger
	_ func(*slog.Logger) waiter.Option                                                                                   = waiter.WithSlog
	_ func(interface {
		Wait(ctx context.Context) error
	}) waiter.Option = waiter.WithLimiter
	_ func(time.Duration) waiter.Option                                                               = waiter.WithPollTimeout
	_ func(time.Duration) waiter.Option                                                               = waiter.WithNotFoundGrace
	_ func(time.Duration) waiter.Option                                                               = waiter.WithStallLimit
	_ func() waiter.Option                                                                            = waiter.WithStrictSubJobs
	_ func() waiter.Option                                                                            = waiter.WithFailFast
	_ func(func(ctx context.Context, checkpoint status.Job, t status.Transition) error) waiter.Option = waiter.WithCheckpoints
	_ func(error) string                                                                              = waiter.Outcome
	_ func(*waiter.FailedError, string) bool                                                          = (*waiter.FailedError).Has
	_ func(string) waiter.Option                                                                      = waiter.WithJobType
	_ func(func(err error, byDefault poller.Verdict) poller.Verdict) waiter.Option                    = waiter.WithClassifier
	_ func(*waiter.Trace) waiter.Option                                                               = waiter.WithTrace
	_ func(status.Job) waiter.Option                                                                  = waiter.From
	_                                                                                                 = []error{waiter.ErrJobFailed, waiter.ErrUnfinished, waiter.ErrNotFound, waiter.ErrDisappeared, waiter.ErrUnauthorized, waiter.ErrStalled, waiter.ErrSubJobFailed}
	_                                                                                                 = []error{(*waiter.FailedError)(nil), (*waiter.UnfinishedError)(nil), (*poller.Error)(nil), (*credential.Error)(nil)}

	_ func(status.Status) bool                                                   = status.Status.Terminal
	_ func(status.Status) bool                                                   = status.Status.Known
	_ func(status.Timestamp) (time.Time, bool)                                   = status.Timestamp.Time
	_ func(status.Transition) bool                                               = status.Transition.IsSubJob
	_ []slog.LogValuer                                                           = []slog.LogValuer{status.Job{}, status.Transition{}}
	_ func(a, b string) bool                                                     = status.SameID
	_ func(prev, next status.Job) status.Job                                     = status.Merge
	_ func(prev, next status.Job, at time.Time) []status.Transition              = status.Diff
	_ func(told status.Job, t status.Transition) status.Job                      = status.Apply
	_ func(endpoint, project string, o ...poller.Option) (*poller.Client, error) = poller.New
	_ func(*poller.Client)                                                       = (*poller.Client).CloseIdleConnections
	_ func(credential.Credential) poller.Option                                  = poller.WithCredential
	_ func(*http.Client) poller.Option                                           = poller.WithHTTPClient
	_ func() poller.Option                                                       = poller.WithPlainHTTP
	_ func(string) string                                                        = poller.Endpoint
	_ func(int, []byte) (string, error)                                          = poller.JobID
	_ func(string) error                                                         = poller.CheckID
	_ func(error) string                                                         = poller.Kind
	_ func(ctx context.Context, jobID string) (poller.Reply, error)              = poller.Func(nil)
	_ func(error) poller.Verdict                                                 = poller.Classify
	_                                                                            = []poller.Poller{(*poller.Client)(nil), poller.Func(nil)}
	_                                                                            = []poller.Verdict{poller.Passing, poller.Throttled, poller.NotFound, poller.Unauthorized, poller.Permanent}

	_ credential.Credential                                             = credential.Attempter(nil)
	_ func(string) credential.Credential                                = credential.Token
	_ func(func(context.Context) (string, error)) credential.Credential = credential.TokenFunc
	_ func() backoff.BackOff                                            = pace.Exponential

	_ func(...pace.Option) (*pace.History, error)                       = pace.NewHistory
	_ func(time.Duration) pace.Option                                   = pace.WithCallCost
	_ func(*pace.History) backoff.BackOff                               = (*pace.History).BackOff
	_ func(*pace.History, string) (median, p90 time.Duration, jobs int) = (*pace.History).Typical
	_                                                                   = []any{json.Marshaler((*pace.History)(nil)), json.Unmarshaler((*pace.History)(nil))}
	_                                                                   = pace.Observation{Job: status.Job{}, Age: 0, ServerTime: time.Time{}, Changed: false, Abandoned: false}
	_                                                                   = []pace.Observer{nil}

	_ func(...pollertest.Option) *pollertest.Server       = pollertest.New
	_ http.Handler                                        = (*pollertest.Server)(nil)
	_ func(*pollertest.Server, pollertest.Script) string  = (*pollertest.Server).Add
	_ func(*pollertest.Server, string, pollertest.Script) = (*pollertest.Server).Script
	_ func(*pollertest.Server) string                     = (*pollertest.Server).Start
	_ func(*pollertest.Server) (string, *http.Client)     = (*pollertest.Server).Memory
	_ func(*pollertest.Server, pollertest.Rule)           = (*pollertest.Server).Fail
	_ func(*pollertest.Server) []pollertest.Request       = (*pollertest.Server).Requests
	_ func(*pollertest.Server)                            = (*pollertest.Server).Close
	_                                                     = pollertest.Script{ID: "", Type: "", Steps: []pollertest.Step{{After: 0, Job: status.Job{}}}}
)

// And so do programs that name the fields of these.
var (
	_ = waiter.Result{Job: status.Job{}, Err: nil}
	_ = waiter.Progress{
		JobID: "", Job: status.Job{}, Transitions: []status.Transition{}, Next: time.Second, Due: time.Time{}, Done: false,
		Started: time.Time{}, LastSeen: time.Time{}, Polls: 0, Failures: map[string]int{},
	}
	_ = waiter.Trace{
		WaitStart: func(context.Context, waiter.WaitStart) context.Context { return nil },
		WaitEnd:   func(context.Context, waiter.WaitEnd) {},
		StepStart: func(context.Context, waiter.StepStart) context.Context { return nil },
		StepEnd:   func(context.Context, waiter.StepEnd) {},
		Carry:     func(context.Context) string { return "" },
		PollStart: func(context.Context, waiter.PollStart) context.Context { return nil },
		PollEnd:   func(context.Context, waiter.PollEnd) {},
	}
	_ = waiter.WaitStart{JobID: "", JobType: "", Resumed: false, Carried: "", Tracked: false}
	_ = waiter.StepStart{JobID: "", JobType: "", Resumed: false, Carried: "", Started: time.Time{}}
	_ = waiter.StepEnd{WaitEnd: waiter.WaitEnd{}, Done: false}
	_ = waiter.WaitEnd{Job: status.Job{}, Err: nil, Outcome: "", Polls: 0, Failures: map[string]int{}, Elapsed: time.Second, DetectionDelay: time.Second}
	_ = waiter.PollStart{JobID: "", N: 1}
	_ = waiter.PollEnd{
		JobID: "", Reply: poller.Reply{}, Err: nil, Verdict: poller.Passing, Kind: "", Took: time.Second, Transitions: []status.Transition{},
	}
	_ = waiter.FailedError{Job: status.Job{}, RequestID: "", Elapsed: time.Second}
	_ = waiter.UnfinishedError{
		JobID: "", Last: status.Job{}, LastSeen: time.Time{}, Polls: 0, Elapsed: time.Second, Failures: map[string]int{},
		LastFailure: nil, Asked: "", Outcome: "", Cause: nil, Advice: "",
	}
	_ = poller.Error{StatusCode: 0, Code: "", Message: "", RequestID: "", RetryAfter: time.Second, Err: nil, Asked: ""}
	_ = poller.Reply{Job: status.Job{}, RequestID: "", ServerTime: time.Time{}, RetryAfter: time.Second}
	_ = status.Transition{JobID: "", SubJob: "", Job: status.Job{}, From: status.Waiting, To: status.Running, ObservedAt: time.Time{}}
)

func readme(t *testing.T) string {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

func TestReadmeProgramsCompile(t *testing.T) { readmetest.Build(t, ".", 2) }

// The errors in testdata/errors.golden are lines; the README wraps them.
func TestReadmeErrorsArePrinted(t *testing.T) {
	golden, err := os.ReadFile("testdata/errors.golden")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```text\n(.*?)\n```").FindAllStringSubmatch(readme(t), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		require.Contains(t, string(golden), "\n"+strings.ReplaceAll(block[1], "\n", " ")+"\n")
	}
}

func TestReadmeScheduleIsTheDefaultSchedule(t *testing.T) {
	schedule := pace.Exponential().(*backoff.ExponentialBackOff)
	schedule.RandomizationFactor = 0
	age, strip := time.Duration(0), "0s"
	for {
		next := schedule.NextBackOff()
		age += next
		shown := age.Round(time.Second)
		if age < 10*time.Second {
			shown = age.Round(100 * time.Millisecond)
		}
		strip += " " + shown.String()
		if math.Round(next.Seconds()) == 15 && next == schedule.MaxInterval {
			break
		}
	}
	require.Contains(t, readme(t), strip+", then every 15s")
}
