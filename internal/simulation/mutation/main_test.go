package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const asCommand = "MUTATION_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
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
	} {
		c := exec.CommandContext(t.Context(), self, test.args...)
		c.Env = append(os.Environ(), asCommand+"=1")
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
		"go.mod":       "module tiny\n\ngo 1.26\n",
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
		`(?m)^BROKEN +\d+ s  tiny.go +it does not compile \(by \.: it can't be built\)\n(.*\n)?.*undefined: c$`,
		`(?m)^BROKEN +\d+ s  tiny.go +it is not there: the old text stands in tiny.go 0 times`,
		`\n1 caught, 1 survived, 1 known to survive, 2 broken\n$`,
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

func TestWhatIsNoPackageIsSaidBeforeAnyBreak(t *testing.T) {
	tiny(t, sum, "import \"testing\"\n\nfunc TestIt(t *testing.T) { panic(\"it was run\") }")
	for _, tests := range []string{"./nonsense", "./nonsense/...", ".,", " ", ".,./nonsense", "-x"} {
		var out bytes.Buffer
		err := run(t.Context(), &out, breaks, "", tests, 1)
		require.ErrorContains(t, err, "-tests takes packages as go test does", tests)
		require.Empty(t, out.String(), tests)
	}
}

func TestThisPackageJudgesNothing(t *testing.T) {
	root, err := moduleRoot(t.Context())
	require.NoError(t, err)
	_, err = packagesOf(t.Context(), root, "./internal/simulation/mutation")
	require.ErrorContains(t, err, "no package to test matches")
	p, err := planFor(t.Context(), root, []mutation{{file: "run.go"}, {file: "status/job.go"}, {file: "all.go"}}, "")
	require.NoError(t, err)
	var patterns []string
	for _, s := range p.all {
		patterns = append(patterns, s.pattern)
		require.NotContains(t, s.packages, "github.com/sfsturbo/waiter/internal/simulation/mutation")
	}
	require.Equal(t, []string{"./.", "./internal/simulation", "./...", "./status"}, patterns)
	require.Equal(t, []stage{p.all[3], p.all[1], p.all[2]}, p.of(mutation{file: "status/job.go"}))
	require.Equal(t, []string{"github.com/sfsturbo/waiter/status"}, p.all[3].packages)
}

// hangs is a test that hangs when it is broken. It holds a connection meanwhile, so that
// somebody else can see it run, and end.
const hangs = `import ("net"; "testing")

func TestHang(t *testing.T) {
	if Sum(1, 0) == 1 {
		return
	}
	if _, err := net.Dial("tcp", "ADDRESS"); err != nil {
		t.Fatal(err)
	}
	select {}
}`

func TestACtrlCEndsAllAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there the test binaries end by their own timeout")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	temporary := tiny(t, sum, string(bytes.Replace([]byte(hangs), []byte("ADDRESS"), []byte(listener.Addr().String()), 1)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, &out, "tiny.go: a\n-a + b\n+a + 2*b\n\ntiny.go: b\n-a + b\n+b\n\ntiny.go: c\n-a + b\n+b\n", "", ".", 1)
	}()

	hung, err := listener.Accept()
	require.NoError(t, err)
	cancel()
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	require.EqualError(t, err, "interrupted after 1 of 3 breaks")
	require.Contains(t, out.String(), "\n0 caught, 1 survived, 0 known to survive, 0 broken\n")
	empty(t, temporary)
	require.NoError(t, hung.SetReadDeadline(time.Now().Add(10*time.Second)))
	n, err := io.Copy(io.Discard, hung)
	require.NoError(t, err, "the test binary runs on")
	require.Zero(t, n)
}

func TestAStageThatIsTakenTooLongForIsNotCaught(t *testing.T) {
	tiny(t, sum, "import \"testing\"\n\nfunc TestHang(*testing.T) { select {} }")
	dir, err := os.Getwd()
	require.NoError(t, err)
	output, err := goTest(t.Context(), dir, t.TempDir(), []string{"."}, 100*time.Millisecond)
	require.EqualError(t, err, "it did not end within 100ms")
	verdict, by := judge(output, err)
	require.Equal(t, broken, verdict)
	require.Equal(t, "go test failed, and no test did: it did not end within 100ms", by)
}
