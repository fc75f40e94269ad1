package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The outputs are as go test writes them.
func TestJudgeOnlyAFailingTestCatches(t *testing.T) {
	const end = "FAIL\ttiny\t0.003s\nFAIL\n"
	for name, test := range map[string]struct {
		output  string
		verdict verdict
		by      string
	}{
		"a test":                        {"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/sub (0.00s)\n        a_test.go:3: x\nFAIL\n" + end, caught, "TestA"},
		"a panic in a test":             {"--- FAIL: TestA (0.00s)\npanic: x [recovered, repanicked]\n\ngoroutine 19 [running]:\n" + end, caught, "TestA"},
		"a panic elsewhere":             {"panic: x\n\ngoroutine 20 [running]:\n" + end, caught, "it panicked"},
		"the runtime's panic":           {"fatal error: sync: unlock of unlocked mutex\n\ngoroutine 19 [running]:\n" + end, caught, "it panicked"},
		"a hang":                        {"panic: test timed out after 1m30s\n\trunning tests:\n\t\tTestA (1m30s)\n" + end, caught, "timed out"},
		"a hang that can't end":         {"*** Test killed with quit: ran too long (2m30s).\nexit status 2\n" + end, caught, "timed out"},
		"a leak that TestMain saw":      {"PASS\ngoleak: Errors on successful test run: found unexpected goroutines:\nexit status 1\n" + end, caught, "its process failed"},
		"a test in one package of many": {"ok  \ttiny/a\t0.1s\n?   \ttiny/b\t[no test files]\n--- FAIL: TestC (0.00s)\nFAIL\nFAIL\ttiny/c\t0.1s\nok  \ttiny/d\t0.1s\nFAIL\n", caught, "TestC"},

		"the compiler":              {"# tiny [tiny.test]\n./a.go:3:28: undefined: x\nFAIL\ttiny [build failed]\nFAIL\n", broken, "it can't be built"},
		"vet":                       {"# tiny\n# [tiny]\n./a.go:4:40: fmt.Printf format %d\nFAIL\ttiny [build failed]\nFAIL\n", broken, "it can't be built"},
		"an import":                 {"# tiny\na.go:3:8: no required module provides package x\nFAIL\ttiny [setup failed]\nFAIL\n", broken, "it can't be built"},
		"the compiler, and a test":  {"--- FAIL: TestA (0.00s)\nFAIL\nFAIL\ttiny/a\t0.1s\nFAIL\ttiny/b [build failed]\nFAIL\n", broken, "it can't be built"},
		"a test that says so":       {"--- FAIL: TestA (0.00s)\n    a_test.go:3: FAIL x [build failed]\nFAIL\n" + end, caught, "TestA"},
		"the disk":                  {"--- FAIL: TestA (0.00s)\n    TempDir: mkdir /tmp/x: no space left on device\nFAIL\n" + end, broken, "the machine: no space left on device"},
		"a text about a full disk":  {"--- FAIL: TestA (0.00s)\n        \texpected: []string{\"no space left on device\"}\n        \tactual  : []string{}\n        \t- (string) (len=23) \"no space left on device\",\nFAIL\n" + end, caught, "TestA"},
		"a kill":                    {"signal: killed\n" + end, broken, "the machine: signal: killed"},
		"a kill, of a failing test": {"--- FAIL: TestA (0.00s)\nsignal: terminated\n" + end, broken, "the machine: signal: terminated"},
		"go test's own kill":        {"SIGQUIT: quit\n\ngoroutine 0 [idle]:\n*** Test killed with quit: ran too long (2m30s).\nsignal: quit\n" + end, caught, "timed out"},
		"memory":                    {"runtime: out of memory: cannot allocate 4194304-byte block (8 in use)\nfatal error: out of memory\n" + end, broken, "the machine: runtime: out of memory"},
		"memory, the runtime's own": {"fatal error: runtime: out of memory\n\nruntime stack:\n" + end, broken, "the machine: runtime: out of memory"},
		"memory, in a test":         {"--- FAIL: TestA (0.00s)\n    a_test.go:3: mmap: cannot allocate memory\nFAIL\n" + end, broken, "the machine: cannot allocate memory"},
		"threads":                   {"runtime: failed to create new OS thread (have 9 already; errno=11)\nfatal error: newosproc\n" + end, broken, "the machine: newosproc"},
		"processes":                 {"--- FAIL: TestA (0.00s)\n    a_test.go:3: pipe2: resource temporarily unavailable\nFAIL\n" + end, broken, "the machine: resource temporarily unavailable"},
		"a process":                 {"--- FAIL: TestA (0.00s)\n    a_test.go:3: fork/exec /bin/x: permission denied\nFAIL\n" + end, broken, "the machine: fork/exec"},
		"files":                     {"--- FAIL: TestA (0.00s)\n    a_test.go:3: open x: too many open files\nFAIL\n" + end, broken, "the machine: too many open files"},
		"the disk's share":          {"--- FAIL: TestA (0.00s)\n    a_test.go:3: write x: disk quota exceeded\nFAIL\n" + end, broken, "the machine: disk quota exceeded"},
		"a binary still written":    {"panic: exec tiny.test: text file busy\n" + end, broken, "the machine: text file busy"},
		"a test whose child is":     {"--- FAIL: TestA (0.00s)\n    a_test.go:3: signal: killed\nFAIL\n" + end, caught, "TestA"},
		"the go command":            {"go: updates to go.mod needed\n", broken, "go test failed, and no test did: exit status 1"},
		"an end before any package": {"ok  \ttiny/a\t0.1s\n", broken, "go test failed, and no test did: exit status 1"},
		"nothing at all":            {"", broken, "go test failed, and no test did: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, by := judge(test.output, errors.New("exit status 1"))
			require.Equal(t, test.verdict, verdict)
			require.Equal(t, test.by, by)
		})
	}
}

func TestTailIsWhatFailed(t *testing.T) {
	require.Equal(t, "--- FAIL: TestB\nFAIL", tail("ok  \ttiny/a\t0.1s\n--- FAIL: TestB\nFAIL\n?   \ttiny/c\t[no test files]\n"))
	require.Equal(t, strings.Repeat("x\n", 39)+"x", tail(strings.Repeat("x\n", 100)))
	require.Empty(t, tail(""))
}
