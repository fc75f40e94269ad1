package main

import (
	"regexp"
	"strings"
)

// verdict is what the tests show about a break; "" if they were interrupted.
type verdict string

const (
	caught   verdict = "caught"
	survived verdict = "SURVIVED"
	known    verdict = "known"
	broken   verdict = "BROKEN" // it can't be made or built, or go test failed though no test did
)

var (
	unbuilt    = regexp.MustCompile(`(?m)^FAIL\t\S+ \[(build|setup) failed\]$`)
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	timedOut   = regexp.MustCompile(`(?m)^(panic: test timed out|\*\*\* Test killed)`)
	panicked   = regexp.MustCompile(`(?m)^(panic|fatal error): `)
	failed     = regexp.MustCompile(`(?m)^FAIL\t\S+\t`)

	// compared matches the lines in which testify shows two values. They are the library's, whose
	// own texts speak of full disks.
	compared = regexp.MustCompile(`(?m)^\s*(?:(?:expected|actual)\s*:|[-+]?\s*\(string\)).*$`)

	// machine matches what a machine that is short of something reports, anywhere else in the output:
	// it makes tests fail too. A signal is the process's own only on a line by itself; go test itself
	// kills with another one, quit.
	machine = regexp.MustCompile(`(?m)no space left on device|disk quota exceeded|too many open files|` +
		`runtime: out of memory|cannot allocate memory|newosproc|resource temporarily unavailable|` +
		`text file busy|fork/exec|^signal: (?:killed|terminated)$`)
)

// judge returns what a go test that ended in err shows about a break. Only tests catch: go test
// also fails for lack of disk space, memory or modules.
func judge(output string, err error) (v verdict, by string) {
	test, short := failedTest.FindStringSubmatch(output), machine.FindString(compared.ReplaceAllString(output, ""))
	switch {
	case unbuilt.MatchString(output):
		return broken, "it can't be built"
	case short != "":
		return broken, "the machine: " + short
	case test != nil:
		return caught, test[1]
	case timedOut.MatchString(output):
		return caught, "timed out"
	case panicked.MatchString(output):
		return caught, "it panicked"
	case failed.MatchString(output): // by a TestMain that looks for leaks, or an os.Exit
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
