package main

import (
	"regexp"
	"strings"
)

const (
	caught      = "caught"
	survived    = "SURVIVED"
	known       = "known"
	broken      = "BROKEN" // it can't be made or built, or go test failed for another reason than a test
	interrupted = ""       // no verdict
)

var (
	unbuilt    = regexp.MustCompile(`(?m)^FAIL\t\S+ \[(build|setup) failed\]$`)
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	timedOut   = regexp.MustCompile(`(?m)^(panic: test timed out|\*\*\* Test killed)`)
	panicked   = regexp.MustCompile(`(?m)^(panic|fatal error): `)
	killed     = regexp.MustCompile(`(?m)^signal: killed$`) // likely for want of memory: go test kills with another one
	failed     = regexp.MustCompile(`(?m)^FAIL\t\S+\t`)
)

// judge says what a go test that ended in err shows about a break. Only tests catch:
// go test also fails for want of disk space, memory or modules.
func judge(output string, err error) (verdict, by string) {
	switch test := failedTest.FindStringSubmatch(output); {
	case unbuilt.MatchString(output):
		return broken, "it can't be built"
	case strings.Contains(output, "no space left on device"):
		return broken, "no space left on device"
	case test != nil:
		return caught, test[1]
	case timedOut.MatchString(output):
		return caught, "timed out"
	case panicked.MatchString(output):
		return caught, "it panicked"
	case failed.MatchString(output) && !killed.MatchString(output): // a TestMain that looks for leaks, or an os.Exit
		return caught, "its process failed"
	}
	return broken, "go test failed, and no test did: " + err.Error()
}

// tail returns the end of a go test's output, without the packages that passed.
func tail(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "ok  \t") && !strings.HasPrefix(line, "?   \t") {
			lines = append(lines, line)
		}
	}
	return strings.TrimSuffix(strings.Join(lines[max(0, len(lines)-40):], ""), "\n")
}
