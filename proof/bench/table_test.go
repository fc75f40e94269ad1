package bench

import (
	"flag"
	"io"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

var update = flag.Bool("update", false, "measure with all jobs, and write README.md and delay.svg")

// TestMain silences Terraform's loop, which logs each sleep.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

func TestTable(t *testing.T) {
	laws, n, histories := jobs.Laws(), 5000, 50
	if !*update {
		laws, n, histories = []jobs.Law{laws[0], laws[3], laws[5], laws[6]}, 500, 2
	}
	all := compare(t, laws, n, histories)
	t.Log("\n" + summaryTable(all) + "\n" + lawTables(all))

	for _, c := range all {
		by := map[string]row{}
		for _, r := range c.rows {
			by[r.name] = r
			require.Greater(t, r.ratio, 0.9, "%s, %s: better than the optimum", r.name, c.law.Name)
		}
		require.InEpsilon(t, by[defaultSchedule].calls, by[learned(0)].calls, 0.05, "nothing learned is the default schedule: %s", c.law.Name)
		require.InEpsilon(t, by[defaultSchedule].mean, by[learned(0)].mean, 0.3, "nothing learned is the default schedule: %s", c.law.Name)
		require.Less(t, by[learned(100)].ratio, 2.0, c.law.Name)
		require.Less(t, by[learned(1000)].ratio, 1.5, c.law.Name)
	}
	best := summaries(all)[0]
	require.Contains(t, []string{learned(100), learned(1000)}, best.name)
	require.Less(t, best.mean, 1.2)

	if *update {
		require.NoError(t, os.WriteFile("delay.svg", []byte(picture(all)), 0o644))
		readme, err := os.ReadFile("README.md")
		require.NoError(t, err)
		text := between(t, string(readme), "summary", summaryTable(all))
		text = between(t, text, "laws", lawTables(all))
		require.NoError(t, os.WriteFile("README.md", []byte(text), 0o644))
	}
}

// between replaces what stands between two comments of a name.
func between(t *testing.T, text, name, with string) string {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, begin)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, end)
	return before + begin + "\n" + with + "\n" + end + after
}
