package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asCommand makes the test binary be the command, with the breaks that it holds if there are any.
const asCommand = "MUTATION_TEST_COMMAND"

func TestMain(m *testing.M) {
	if given, ok := os.LookupEnv(asCommand); ok {
		list = cmp.Or(given, list)
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestFlagsThatAreInvalidAreRefused(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"grace"}, 2, `mutation: what is "grace"? There are only flags: see -help`},
		{[]string{"-workers", "0"}, 2, "mutation: -workers 0: it takes at least one"},
		{[]string{"-workers", "-1"}, 2, "mutation: -workers -1: it takes at least one"},
		{[]string{"-run", "["}, 1, "mutation: error parsing regexp"},
		{[]string{"-run", "no such title"}, 1, `mutation: -run "no such title" matches no title in mutations.txt`},
		{[]string{"-tests", "./nonsense"}, 1, "mutation: the tests of ./nonsense fail without a break"},
		{[]string{"-tests", "./examples/watch"}, 1, "mutation: no package with tests matches ./examples/watch: -tests takes"},
	} {
		c := exec.CommandContext(t.Context(), self, test.args...)
		c.Env = append(os.Environ(), asCommand+"=")
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%v: %s", test.args, out)
		require.Equal(t, test.status, exit.ExitCode(), "%v: %s", test.args, out)
		require.Contains(t, string(out), test.want, test.args)
	}
}

// tiny is a repository with one package, one test and room for temporary files. It becomes the
// working directory.
func tiny(t *testing.T, code, test string) (temporary string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, map[string]string{
		"go.mod":       "module " + module + "\n\ngo 1.26\n",
		"tiny.go":      "package tiny\n\n" + code + "\n",
		"tiny_test.go": "package tiny\n\n" + test + "\n",
	})
	temporary = t.TempDir()
	t.Setenv("TMPDIR", temporary)
	return temporary
}

func write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

const (
	sum     = "func Sum(a, b int) int { return a + b }"
	testSum = "import \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(1, 0) != 1 {\n\t\tt.Error(Sum(1, 0))\n\t}\n}"
	breaks  = `
tiny.go: it is wrong
-a + b
+a + b + 1

tiny.go: it is wrong for others
-a + b
+a + 2*b

tiny.go: it is wrong, and no test looks
-a + b
+a - b
survives: it is about 1 and 0

tiny.go: it is wrong, though no test looks
-a + b
+a + b + 2
survives: it is never called

tiny.go: it does not compile
-a + b
+c

tiny.go: it is not there
-a * b
+a
`
)

func TestRun(t *testing.T) {
	t.Run("each break gets its verdict, and no file changes", func(t *testing.T) {
		temporary := tiny(t, sum, testSum)
		before, err := os.ReadFile("tiny.go")
		require.NoError(t, err)
		var out bytes.Buffer
		require.EqualError(t, run(t.Context(), &out, breaks, "", ".", 2), "3 breaks are not caught")
		require.Regexp(t, `^the tests passed without a break in \d+ s\n`, out.String())
		for _, line := range []string{
			`(?m)^caught +\d+ s  tiny.go +it is wrong \(by \.: TestSum\)$`,
			`(?m)^SURVIVED +\d+ s  tiny.go +it is wrong for others$`,
			`(?m)^known +\d+ s  tiny.go +it is wrong, and no test looks: it is about 1 and 0$`,
			`(?m)^caught +\d+ s  tiny.go +it is wrong, though no test looks \(by \.: TestSum\): its survives line is out of date$`,
			`(?m)^BROKEN +\d+ s  tiny.go +it does not compile \(by \.: it can't be built\)\n(.*\n)?.*undefined: c$`,
			`(?m)^BROKEN +\d+ s  tiny.go +it is not there: the old text occurs in tiny.go 0 times`,
			`\n2 caught, 1 survived, 1 known to survive, 2 broken\n$`,
		} {
			require.Regexp(t, line, out.String())
		}
		after, err := os.ReadFile("tiny.go")
		require.NoError(t, err)
		require.Equal(t, string(before), string(after))
		empty(t, temporary)
	})
	t.Run("the simulation's module catches what the packages do not", func(t *testing.T) {
		temporary := tiny(t, sum, "import \"testing\"\n\nfunc TestNothing(*testing.T) {}")
		test := strings.ReplaceAll(testSum, "import \"testing\"", "import (\"testing\"; . \""+module+"\")")
		write(t, map[string]string{
			"proof/simulation/go.mod":    "module " + module + "/proof/simulation\n\ngo 1.26\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => ../..\n",
			"proof/simulation/s_test.go": "package simulation\n\n" + test,
		})
		t.Chdir("proof/simulation") // it finds the root from there
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, breaks, "is wrong$", "", 1))
		require.Regexp(t, `(?m)^caught +\d+ s  tiny.go +it is wrong \(by ./proof/simulation: TestSum\)$`, out.String())
		empty(t, temporary)
	})
	t.Run("tests that fail without a break judge none", func(t *testing.T) {
		temporary := tiny(t, "func Sum(a, b int) int { return a + b + 0*7 - 1 }", testSum)
		var out bytes.Buffer
		err := run(t.Context(), &out, breaks, "", ".", 1)
		require.ErrorContains(t, err, "the tests of . fail without a break (TestSum)")
		require.ErrorContains(t, err, "\n--- FAIL: TestSum (")
		require.Empty(t, out.String())
		empty(t, temporary)
	})
	t.Run("a pattern without tests is refused before any break", func(t *testing.T) {
		tiny(t, sum, testSum)
		write(t, map[string]string{"untested/a.go": "package untested\n"})
		for tests, want := range map[string]string{
			"./nonsense":     "the tests of ./nonsense fail without a break",
			"./nonsense/...": "the tests of ./nonsense/... fail without a break",
			"./untested":     "no package with tests matches ./untested",
			".,":             `what is ""?`,
			" ":              `what is " "?`,
			"-x":             `what is "-x"?`,
		} {
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), &out, breaks, "", tests, 1), want, tests)
			require.Empty(t, out.String(), tests)
		}
	})
	t.Run("it says why it cannot begin", func(t *testing.T) {
		begin := func(ctx context.Context) error {
			var out bytes.Buffer
			err := run(ctx, &out, breaks, "others", ".", 1)
			require.Empty(t, out.String())
			return err
		}
		temporary := tiny(t, sum, testSum)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.EqualError(t, begin(ended), "interrupted before the first break")
		t.Setenv("TMPDIR", filepath.Join(temporary, "missing"))
		require.ErrorContains(t, begin(t.Context()), "missing")
		write(t, map[string]string{"go.mod": "module " + module + "/other\n"})
		require.EqualError(t, begin(t.Context()), "run it within the repository of "+module)
	})
}

func TestReportCountsOneBreakAsOne(t *testing.T) {
	for n, want := range map[int]string{1: "1 break is not caught", 2: "2 breaks are not caught"} {
		results := make(chan result, n)
		for range n {
			results <- result{verdict: survived}
		}
		close(results)
		require.EqualError(t, report(t.Context(), io.Discard, results, n), want)
	}
}
