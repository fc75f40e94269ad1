package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNoPackageIsSaidBeforeAnyBreak(t *testing.T) {
	tiny(t, sum, "import \"testing\"\n\nfunc TestIt(t *testing.T) { panic(\"it was run\") }")
	for _, tests := range []string{"./nonsense", "./nonsense/...", ".,", " ", ".,./nonsense", "-x"} {
		var out bytes.Buffer
		err := run(t.Context(), &out, breaks, "", tests, 1)
		require.ErrorContains(t, err, ": -tests takes packages as go test does", tests)
		require.Empty(t, out.String(), tests)
	}
}

func TestThisPackageJudgesNothing(t *testing.T) {
	root, err := moduleRoot(t.Context())
	require.NoError(t, err)
	_, err = planFor(t.Context(), root, []mutation{{file: "run.go"}}, "./internal/simulation/mutation")
	require.ErrorContains(t, err, "no package with tests matches ./internal/simulation/mutation")
	p, err := planFor(t.Context(), root, []mutation{{file: "run.go"}, {file: "status/job.go"}, {file: "all.go"}, {file: "examples/watch/main.go"}}, "")
	require.NoError(t, err)
	var patterns []string
	for _, s := range p.all {
		patterns = append(patterns, s.pattern)
		require.NotContains(t, s.packages, "github.com/sfsturbo/waiter/internal/simulation/mutation")
	}
	require.Equal(t, []string{"./.", "./internal/simulation", "./...", "./status"}, patterns)
	require.Equal(t, []stage{p.all[3], p.all[1], p.all[2]}, p.of(mutation{file: "status/job.go"}))
	require.Equal(t, []string{"github.com/sfsturbo/waiter/status"}, p.all[3].packages)
	require.Equal(t, p.all[1:3], p.of(mutation{file: "examples/watch/main.go"}), "a package without tests is no stage")
}

func TestAHarmlessBreakHasTimeOnASlowMachine(t *testing.T) {
	require.Equal(t, 90*time.Second, limitFor(time.Second, 1))
	require.Equal(t, 90*time.Second, limitFor(9*time.Second, 2))
	require.Equal(t, 10*time.Minute, limitFor(time.Minute, 2))
}

func TestTheUnbrokenCopyIsTimedAnew(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	tiny(t, sum, fmt.Sprintf(`import ("os"; "testing")

func TestIt(*testing.T) {
	f, err := os.OpenFile(%q, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	f.WriteString("x")
}`, runs))
	for n := 1; n <= 2; n++ {
		_, p, err := prepare(t.Context(), []mutation{{file: "tiny.go"}}, ".", 1)
		require.NoError(t, err)
		require.Positive(t, p.all[0].took)
		require.Equal(t, limitFor(p.took(), 1), p.all[0].limit)
		text, err := os.ReadFile(runs)
		require.NoError(t, err)
		require.Len(t, text, n, "from go test's cache")
	}
}
