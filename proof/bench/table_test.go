package bench

import (
	"bytes"
	"flag"
	"io"
	"log"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
	"github.com/sfsturbo/waiter/proof/bench/peer"
)

var update = flag.Bool("update", false, "measure with all jobs, and write README.md and delay.svg")

// TestMain silences Terraform's loop, which logs each sleep.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

const allJobs = 5000 // of each distribution

func TestTable(t *testing.T) {
	t.Run("ranks a learned schedule first", func(t *testing.T) {
		skipUnderRace(t)
		distributions, n, histories := jobs.Distributions(), allJobs, 50
		if !*update {
			all := distributions
			distributions, n, histories = []jobs.Distribution{all[0], all[3], all[5], all[6]}, 500, 2
		}
		all := compare(t, distributions, n, histories)
		t.Log("\n" + summaryTable(all) + "\n" + distributionTables(all))

		for _, c := range all {
			by := map[string]row{}
			for _, r := range c.rows {
				by[r.name] = r
				require.Greater(t, r.ratio, 0.9, "%s, %s: better than the optimum", r.name, c.distribution.Name)
			}
			require.InEpsilon(t, by[defaultSchedule].calls, by[learned(0)].calls, 0.05, "nothing learned is the default schedule: %s", c.distribution.Name)
			require.InEpsilon(t, by[defaultSchedule].mean, by[learned(0)].mean, 0.3, "nothing learned is the default schedule: %s", c.distribution.Name)
			require.Less(t, by[learned(100)].ratio, 2.0, c.distribution.Name)
			require.Less(t, by[learned(1000)].ratio, 1.5, c.distribution.Name)
		}
		best := summaries(all)[0]
		require.Contains(t, []string{learned(100), learned(1000)}, best.name)
		require.Less(t, best.mean, 1.2)

		if *update {
			text := between(t, readme(t), "summary", summaryTable(all))
			text = between(t, text, "distributions", distributionTables(all))
			require.NoError(t, os.WriteFile("README.md", []byte(text), 0o644))
		}
	})
}

// The picture shows what the tables say. With -update it is written after them.
func TestPicture(t *testing.T) {
	t.Run("is drawn from the tables", func(t *testing.T) {
		skipUnderRace(t)
		if runtime.GOARCH != "amd64" {
			t.Skip("Go fuses multiplications and additions on other processors, so that the last digits of the picture differ")
		}
		var panels []panel
		for i, d := range jobs.Distributions() {
			points := pointsOf(t, readme(t), d.Name)
			require.Len(t, points, len(peer.All())+1+len(learnedFrom), d.Name)
			panels = append(panels, panel{d.Name, optimum.NewCurve(d, d.Spread(allJobs, draws(i, 0))), points})
		}
		drawn := picture(panels)
		if *update {
			require.NoError(t, os.WriteFile("delay.svg", drawn, 0o644))
		}
		stored, err := os.ReadFile("delay.svg")
		require.NoError(t, err)
		require.True(t, bytes.Equal(stored, drawn), "delay.svg is outdated: go test -run TestPicture -update")
	})

	t.Run("has a symbol for each peer and each learned schedule", func(t *testing.T) {
		for _, p := range peer.All() {
			require.Contains(t, symbols, p.Name)
		}
		for _, n := range learnedFrom {
			require.Contains(t, symbols, learned(n))
		}
	})

	t.Run("has ticks at 1, 2 and 5", func(t *testing.T) {
		var labels []string
		for _, tick := range ticks(0.3, 12) {
			labels = append(labels, tick.Label)
		}
		require.Equal(t, []string{"0.5", "1", "2", "5", "10"}, labels)
	})
}

func readme(t *testing.T) string {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}
