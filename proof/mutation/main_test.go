package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asCommand has the test binary be the command, with these breaks if there are any.
const asCommand = "MUTATION_TEST_COMMAND"

func TestMain(m *testing.M) {
	if given, ok := os.LookupEnv(asCommand); ok {
		list = cmp.Or(given, list)
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"grace"}, 2, `mutation: what is "grace"? It takes flags only: see -help`},
		{[]string{"-workers", "0"}, 2, "mutation: -workers 0: it takes one at least"},
		{[]string{"-workers", "-1"}, 2, "mutation: -workers -1: it takes one at least"},
		{[]string{"-run", "["}, 1, "mutation: error parsing regexp"},
		{[]string{"-run", "no such title"}, 1, `mutation: -run "no such title" matches no title in mutations.txt`},
		{[]string{"-tests", "./nonsense"}, 1, "mutation: go list ./nonsense: "},
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

// tiny is a module with one package, one test and room for its temporary files. It
// becomes the working directory.
func tiny(t *testing.T, code, test string) (temporary string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module " + module + "\n\ngo 1.26\n",
		"tiny.go":      "package tiny\n\n" + code + "\n",
		"tiny_test.go": "package tiny\n\n" + test + "\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	t.Chdir(dir)
	temporary = t.TempDir()
	t.Setenv("TMPDIR", temporary)
	return temporary
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

tiny.go: it is wrong, and nobody minds
-a + b
+a - b
survives: it is about 1 and 0

tiny.go: it is wrong, though some said that nobody minds
-a + b
+a + b + 2
survives: nobody minds

tiny.go: it does not compile
-a + b
+c

tiny.go: it is not there
-a * b
+a
`
)

func TestEachBreakGetsItsVerdict(t *testing.T) {
	temporary := tiny(t, sum, testSum)
	var out bytes.Buffer
	err := run(t.Context(), &out, breaks, "", ".", 2)
	require.EqualError(t, err, "3 breaks are not caught")
	require.Regexp(t, `^the unbroken copy passed in \d+ s\n`, out.String())
	for _, line := range []string{
		`(?m)^caught +\d+ s  tiny.go +it is wrong \(by \.: TestSum\)$`,
		`(?m)^SURVIVED +\d+ s  tiny.go +it is wrong for others$`,
		`(?m)^known +\d+ s  tiny.go +it is wrong, and nobody minds: it is about 1 and 0$`,
		`(?m)^caught +\d+ s  tiny.go +it is wrong, though some said that nobody minds \(by \.: TestSum\): its survives line is out of date$`,
		`(?m)^BROKEN +\d+ s  tiny.go +it does not compile \(by \.: it can't be built\)\n(.*\n)?.*undefined: c$`,
		`(?m)^BROKEN +\d+ s  tiny.go +it is not there: the old text stands in tiny.go 0 times`,
		`\n2 caught, 1 survived, 1 known to survive, 2 broken\n$`,
	} {
		require.Regexp(t, line, out.String())
	}
	empty(t, temporary)
}

func TestTestsThatFailWithoutABreakJudgeNone(t *testing.T) {
	temporary := tiny(t, "func Sum(a, b int) int { return a + b + 0*7 - 1 }", testSum)
	var out bytes.Buffer
	err := run(t.Context(), &out, breaks, "", ".", 1)
	require.ErrorContains(t, err, "the unbroken copy does not pass")
	require.ErrorContains(t, err, "(by .: TestSum)\n--- FAIL: TestSum (")
	require.Empty(t, out.String())
	empty(t, temporary)
}

func TestATestThatHangsFailsByItsLimit(t *testing.T) {
	tiny(t, sum, "import \"testing\"\n\nfunc TestHang(*testing.T) {\n\tif Sum(1, 0) != 1 {\n\t\tselect {}\n\t}\n}")
	m := mutation{file: "tiny.go", old: "a + b", new: "b"}
	r := try(t.Context(), ".", m, []stage{{pattern: ".", packages: []string{"."}, limit: 5 * time.Second}})
	require.Equal(t, caught, r.verdict)
	require.Equal(t, " (by .: timed out)", r.detail)
	require.Empty(t, r.output, "only for what is broken")
}

func TestWhereItCanNotBegin(t *testing.T) {
	begin := func(ctx context.Context, tests string) error {
		var out bytes.Buffer
		err := run(ctx, &out, breaks, "others", tests, 1)
		require.Empty(t, out.String())
		return err
	}
	temporary := tiny(t, sum, testSum)
	t.Setenv("TMPDIR", filepath.Join(temporary, "missing"))
	err := begin(t.Context(), ".")
	require.ErrorContains(t, err, "no copy of the module can be made: ")
	require.ErrorContains(t, err, "missing")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.EqualError(t, begin(ended, ""), "interrupted before the first break")

	require.NoError(t, os.Rename("tiny.go", "other.go"))
	require.NoError(t, os.Mkdir("empty", 0o700))
	var out bytes.Buffer
	err = run(t.Context(), &out, "empty/a.go: a\n-a\n+b", "", "", 1)
	require.ErrorContains(t, err, "go list ./empty: ")
	require.NotContains(t, err.Error(), "-tests", "none was given")

	require.NoError(t, os.WriteFile("go.mod", []byte("module example.org/other\n"), 0o600))
	require.EqualError(t, begin(t.Context(), ""), "this is the module example.org/other: run it in the root of github.com/sfsturbo/waiter")
	t.Chdir(temporary)
	require.EqualError(t, begin(t.Context(), ""), "this is no module: run it in the root of github.com/sfsturbo/waiter")
}

func TestOneBreakIsOne(t *testing.T) {
	for n, want := range map[int]string{1: "1 break is not caught", 2: "2 breaks are not caught"} {
		results := make(chan result, n)
		for range n {
			results <- result{verdict: survived}
		}
		close(results)
		require.EqualError(t, report(t.Context(), io.Discard, results, n), want)
	}
}

func TestAStageThatIsTakenTooLongForIsNotCaught(t *testing.T) {
	tiny(t, sum, "import \"testing\"\n\nfunc TestHang(*testing.T) { select {} }")
	box, err := newSandbox(".")
	require.NoError(t, err)
	defer box.remove()
	output, err := box.goTest(t.Context(), 100*time.Millisecond, ".")
	require.EqualError(t, err, "it did not end within 100ms")
	verdict, by := judge(output, err)
	require.Equal(t, broken, verdict)
	require.Equal(t, "go test failed, and no test did: it did not end within 100ms", by)
}
