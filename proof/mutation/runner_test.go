package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newRunner(t *testing.T, tests string) runner {
	t.Helper()
	root, err := repository()
	require.NoError(t, err)
	return runner{root, t.TempDir(), tests, map[string]time.Duration{}}
}

func TestStages(t *testing.T) {
	r := newRunner(t, "")
	require.Equal(t, []string{".", "./proof/simulation", "./..."}, r.stages("run.go"))
	require.Equal(t, []string{"./poller/pace", "./proof/simulation", ".", "./..."}, r.stages("poller/pace/bracket.go"))
	r.tests = "./status,./poller/..."
	require.Equal(t, []string{"./status", "./poller/..."}, r.stages("run.go"))

	for stage, want := range map[string][2]string{
		".":                   {"", "./."},
		"./...":               {"", "./..."},
		"./status":            {"", "./status"},
		"./poller/...":        {"", "./poller/..."},
		"./proof/simulation":  {"proof/simulation", "./"},
		"./proof/faults/...":  {"proof/faults", "./..."},
		"./proof/faults/soak": {"proof/faults", "./soak"},
	} {
		dir, pattern, err := r.inModule(stage)
		require.NoError(t, err, stage)
		require.Equal(t, want, [2]string{dir[min(len(dir), len(r.root)+1):], pattern}, stage)
	}
}

func TestLimit(t *testing.T) {
	t.Run("a harmless break has time on a slow machine", func(t *testing.T) {
		require.Equal(t, 90*time.Second, limitFor(time.Second, 1))
		require.Equal(t, 90*time.Second, limitFor(9*time.Second, 2))
		require.Equal(t, 10*time.Minute, limitFor(time.Minute, 2))
	})
	t.Run("it is measured without go test's cache", func(t *testing.T) {
		runs := filepath.Join(t.TempDir(), "runs")
		tiny(t, sum, fmt.Sprintf(`import ("os"; "testing")

func TestAppend(*testing.T) {
	f, err := os.OpenFile(%q, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	f.WriteString("x")
}`, runs))
		for n := 1; n <= 2; n++ {
			r := newRunner(t, ".")
			took, err := r.measure(t.Context(), []mutation{{file: "tiny.go"}, {file: "tiny.go"}}, 1)
			require.NoError(t, err)
			require.Positive(t, took)
			require.Equal(t, map[string]time.Duration{".": limitFor(took, 1)}, r.limits)
			text, err := os.ReadFile(runs)
			require.NoError(t, err)
			require.Len(t, text, n)
		}
	})
	t.Run("a test that hangs fails by it", func(t *testing.T) {
		tiny(t, sum, "import \"testing\"\n\nfunc TestHang(*testing.T) {\n\tif Sum(1, 0) != 1 {\n\t\tselect {}\n\t}\n}")
		r := newRunner(t, ".")
		r.limits["."] = 5 * time.Second
		res := r.try(t.Context(), mutation{file: "tiny.go", old: "a + b", new: "b"})
		require.Equal(t, caught, res.verdict)
		require.Equal(t, " (by .: timed out)", res.detail)
		require.Empty(t, res.output, "only for what is broken")
	})
	t.Run("a stage that does not end catches nothing", func(t *testing.T) {
		tiny(t, sum, "import \"testing\"\n\nfunc TestHang(*testing.T) { select {} }")
		r := newRunner(t, ".")
		output, err := r.goTest(t.Context(), 100*time.Millisecond, ".")
		require.EqualError(t, err, "it did not end within 100ms")
		verdict, by := judge(output, err)
		require.Equal(t, broken, verdict)
		require.Equal(t, "go test failed, and no test did: it did not end within 100ms", by)
	})
}

func TestGoTestLeavesNoProcessBehind(t *testing.T) {
	listener := listen(t)
	tiny(t, sum, fmt.Sprintf(`import ("net"; "os"; "os/exec"; "testing")

func TestChild(t *testing.T) {
	c, err := net.Dial("tcp", %q)
	if err != nil {
		t.Fatal(err)
	}
	held, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{held}
	t.Fatal(child.Start())
}`, listener.Addr()))
	r := newRunner(t, ".")
	output, err := r.goTest(t.Context(), 5*time.Minute, ".")
	require.Error(t, err)
	require.Contains(t, output, "<nil>", "the child was started")
	var held net.Conn
	held, err = listener.Accept()
	require.NoError(t, err)
	ends(t, held)
}
