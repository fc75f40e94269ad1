package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/trial"
)

// A cold is what an exponential backoff costs that knows nothing, over the optimum that knows the
// distribution: over distributions and call costs, the geometric mean and the worst.
type cold struct {
	trial.Backoff
	mean, worst float64
	unseen      float64 // the mean over the distributions that the search did not see
}

var (
	theDefault = trial.Backoff{Initial: 1, Multiplier: 1.25, Cap: 15}
	theVendor  = trial.Backoff{Initial: 10, Multiplier: 1, Cap: 10}
)

// search returns all backoffs of a grid, the best mean first.
func search() []cold {
	var grid []cold
	for _, initial := range []float64{0.5, 1, 1.5, 2, 3, 5, 7, 10, 15} {
		for _, multiplier := range []float64{1, 1.1, 1.25, 1.5, 2} {
			for _, most := range []float64{5, 7, 10, 15, 20, 30, 45, 60} {
				if initial <= most && (multiplier > 1) == (most > initial) {
					grid = append(grid, cold{Backoff: trial.Backoff{Initial: initial, Multiplier: multiplier, Cap: most}})
				}
			}
		}
	}
	tuned, unseen := jobs.Drawn()
	tuned = append(tuned, jobs.Distributions()...)
	for i, d := range slices.Concat(tuned, unseen) {
		var least []float64
		for _, c := range callCosts {
			least = append(least, trial.Least(d, c))
		}
		for k := range grid {
			p := grid[k].Price(d)
			for n, c := range callCosts {
				x := (c*p.Calls + p.Delay) / least[n]
				if i >= len(tuned) {
					grid[k].unseen += math.Log(x) / float64(len(unseen)*len(callCosts))
					continue
				}
				grid[k].mean += math.Log(x) / float64(len(tuned)*len(callCosts))
				grid[k].worst = max(grid[k].worst, x)
			}
		}
	}
	for k := range grid {
		grid[k].mean, grid[k].unseen = math.Exp(grid[k].mean), math.Exp(grid[k].unseen)
	}
	slices.SortFunc(grid, func(a, b cold) int { return cmp.Compare(a.mean, b.mean) })
	return grid
}

// frontier returns those that no other one beats both on average and at worst.
func frontier(grid []cold) (list []cold) {
	worst := math.Inf(1)
	for _, x := range grid {
		if x.worst < worst {
			list, worst = append(list, x), x.worst
		}
	}
	return list
}

func TestCold(t *testing.T) {
	t.Run("has a frontier of average and worst cost", func(t *testing.T) {
		skipUnderRace(t)
		grid := search()
		find := func(b trial.Backoff) cold {
			return grid[slices.IndexFunc(grid, func(x cold) bool { return x.Backoff == b })]
		}
		five := jobs.Distribution{Parts: []jobs.Part{{Weight: 1, Shape: jobs.Normal{Mean: 5, Deviation: 0.3}}}}
		var table strings.Builder
		table.WriteString("| initial, multiplier, cap | mean | worst | mean, not searched on | a job of 5 s: polls | delay, s |\n|---|---:|---:|---:|---:|---:|\n")
		soon := grid[slices.IndexFunc(grid, func(x cold) bool { return x.Price(five).Delay <= theDefault.Price(five).Delay })]
		rows := append([]cold{find(theDefault), find(theVendor), soon}, frontier(grid)...)
		for i, x := range rows {
			p := x.Price(five)
			fmt.Fprintf(&table, "| %s%v s, x%v, %v s | %.2f | %.1f | %.2f | %.1f | %.1f |\n",
				[]string{"the default: ", "the vendor's provider: ", "the best that sees a job of 5 s as soon: ", "the frontier: "}[min(i, 3)], x.Initial, x.Multiplier, x.Cap, x.mean, x.worst, x.unseen, p.Calls, p.Delay)
		}
		t.Log("\n" + table.String())
		if *update {
			require.NoError(t, os.WriteFile("README.md", []byte(between(t, readme(t), "cold", table.String())), 0o644))
			require.NoError(t, os.WriteFile("cold.svg", coldPicture(grid), 0o644))
		}
		text := readme(t)
		for _, x := range rows {
			line := fmt.Sprintf("%v s, x%v, %v s | %.2f | %.1f |", x.Initial, x.Multiplier, x.Cap, x.mean, x.worst)
			require.True(t, strings.Contains(text, line), "README.md lacks %q: go test -run TestCold -update", line)
		}
		if runtime.GOARCH == "amd64" { // others fuse multiplications and additions, so that the last digits differ
			stored, err := os.ReadFile("cold.svg")
			require.NoError(t, err)
			require.True(t, bytes.Equal(stored, coldPicture(grid)), "cold.svg is outdated: go test -run TestCold -update")
		}
	})
}

// coldPicture draws each backoff as a point.
func coldPicture(grid []cold) []byte {
	drawn := plot.New()
	drawn.X.Label.Text, drawn.Y.Label.Text = "mean cost, × the optimum", "worst cost, × the optimum"
	logarithmic(drawn)
	for _, axis := range []*plot.Axis{&drawn.X, &drawn.Y} { // less than a power of ten
		axis.Scale, axis.Tick.Marker = plot.LinearScale{}, plot.DefaultTicks{}
	}
	drawn.Legend.Top, drawn.Legend.Left, drawn.Legend.Padding = true, true, 3
	setFont(&drawn.Legend.TextStyle, textSize)
	var all, best plotter.XYs
	marked := map[trial.Backoff]plotter.XYs{}
	for _, x := range grid {
		xy := plotter.XY{X: x.mean, Y: x.worst}
		all = append(all, xy)
		marked[x.Backoff] = plotter.XYs{xy}
	}
	for _, x := range frontier(grid) {
		best = append(best, plotter.XY{X: x.mean, Y: x.worst})
	}
	line := &plotter.Line{XYs: best, LineStyle: optimal}
	dots := &plotter.Scatter{XYs: all, GlyphStyle: draw.GlyphStyle{Shape: draw.RingGlyph{}, Color: ink, Radius: 1.5}}
	drawn.Add(dots, line, &plotter.Scatter{XYs: best, GlyphStyle: draw.GlyphStyle{Shape: draw.CircleGlyph{}, Color: blue, Radius: 2}})
	drawn.Legend.Add("an exponential backoff", dots)
	drawn.Legend.Add("the frontier", line)
	for i, b := range []trial.Backoff{theDefault, theVendor} {
		style := symbols[[]string{learned(100), "vendor's provider"}[i]]
		point := &plotter.Scatter{XYs: marked[b], GlyphStyle: style}
		drawn.Add(point)
		drawn.Legend.Add([]string{"the default", "vendor's provider"}[i]+": "+
			strconv.FormatFloat(b.Initial, 'g', -1, 64)+" s, x"+strconv.FormatFloat(b.Multiplier, 'g', -1, 64)+", "+strconv.FormatFloat(b.Cap, 'g', -1, 64)+" s", point)
	}
	drawn.X.Min, drawn.X.Max, drawn.Y.Min, drawn.Y.Max = 1.6, 4.4, 3, 18
	svg := vgsvg.New(width*2/3, width/2)
	drawn.Draw(draw.Crop(draw.New(svg), 6, -6, 6, -6))
	return svgBytes(svg)
}
