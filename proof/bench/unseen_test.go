package bench

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/trial"
)

// callCosts are what a call is worth, in seconds of delay.
var callCosts = []float64{0.3, 1, 3}

// An excess is that of one distribution after 100 and 1000 jobs: the geometric mean over the call
// costs.
type excess struct {
	name  string
	after [2]trial.Excess
}

// excesses measures the distributions, two at a time.
func excesses(t *testing.T, list []jobs.Distribution, histories int) []excess {
	all := make([]excess, len(list))
	errs := make([]error, len(list))
	slots := make(chan struct{}, 2)
	var running sync.WaitGroup
	for i, d := range list {
		running.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ref := trial.NewReference(d)
			of := make([][]trial.Excess, len(callCosts))
			for k, c := range callCosts {
				of[k], errs[i] = ref.Excess([]int{100, 1000}, histories, c)
				if errs[i] != nil {
					return
				}
			}
			all[i].name = d.Name
			for n := range all[i].after {
				var column []trial.Excess
				for k := range callCosts {
					column = append(column, of[k][n])
				}
				all[i].after[n] = together(column)
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return all
}

// together returns the geometric means.
func together(list []trial.Excess) trial.Excess {
	var cost, delay float64
	for _, x := range list {
		cost += math.Log(x.Cost)
		delay += math.Log(x.Delay)
	}
	n := float64(len(list))
	return trial.Excess{Cost: math.Exp(cost / n), Delay: math.Exp(delay / n)}
}

func overall(name string, all []excess) excess {
	x := excess{name: name}
	for n := range x.after {
		var column []trial.Excess
		for _, of := range all {
			column = append(column, of.after[n])
		}
		x.after[n] = together(column)
	}
	return x
}

// halves are the headings of the table, with their distributions.
func halves() (names [3]string, of [3][]jobs.Distribution) {
	tuned, unseen := jobs.Drawn()
	return [3]string{"**not tuned on**", "**tuned on**", "**the seven of the tables above**"}, [3][]jobs.Distribution{unseen, tuned, jobs.Distributions()}
}

func TestUnseen(t *testing.T) {
	t.Run("costs little more than the optimum on distributions that nothing was tuned on", func(t *testing.T) {
		skipUnderRace(t)
		histories := 3
		if *update {
			histories = 20
		}
		names, of := halves()
		var table strings.Builder
		table.WriteString("| distribution | cost, × the optimum, 100 jobs | 1000 jobs | delay, × the optimum, 100 jobs | 1000 jobs |\n|---|---:|---:|---:|---:|\n")
		for i, list := range of {
			if i > 0 && !*update {
				break
			}
			all := excesses(t, list, histories)
			for _, x := range append([]excess{overall(names[i], all)}, all...) {
				fmt.Fprintf(&table, "| %s | %.3f | %.3f | %.2f | %.2f |\n", x.name, x.after[0].Cost, x.after[1].Cost, x.after[0].Delay, x.after[1].Delay)
				for _, after := range x.after {
					require.Greater(t, after.Cost, 0.99, "%s: better than the optimum", x.name)
				}
			}
			x := overall(names[i], all)
			require.LessOrEqual(t, x.after[0].Cost, 1.07, x.name)
			require.LessOrEqual(t, x.after[1].Cost, 1.04, x.name)
			require.LessOrEqual(t, x.after[0].Delay, 1.15, x.name)
			require.LessOrEqual(t, x.after[1].Delay, 1.10, x.name)
		}
		t.Log("\n" + table.String())
		if *update {
			require.NoError(t, os.WriteFile("README.md", []byte(between(t, readme(t), "unseen", table.String())), 0o644))
		}
	})

	t.Run("is drawn from the table", func(t *testing.T) {
		if runtime.GOARCH != "amd64" {
			t.Skip("Go fuses multiplications and additions on other processors, so that the last digits of the picture differ")
		}
		drawn := unseenPicture(t, readme(t))
		if *update {
			require.NoError(t, os.WriteFile("unseen.svg", drawn, 0o644))
		}
		stored, err := os.ReadFile("unseen.svg")
		require.NoError(t, err)
		require.True(t, bytes.Equal(stored, drawn), "unseen.svg is outdated: go test -run TestUnseen -update")
	})
}

// unseenPicture draws the costs of the table, a line for each distribution.
func unseenPicture(t *testing.T, markdown string) []byte {
	drawn := plot.New()
	drawn.X.Label.Text = "cost, × the optimum"
	drawn.Legend.Top, drawn.Legend.Padding = false, 3
	setFont(&drawn.Legend.TextStyle, textSize)
	lines := plotter.NewGrid()
	lines.Vertical.Color, lines.Horizontal.Color = grid, grid
	drawn.Add(lines)
	names, of := halves()
	var ticks []plot.Tick
	line := -1.
	for i, list := range of[:2] {
		points := [2]plotter.XYs{}
		for _, name := range append([]string{names[i]}, titles(list)...) {
			_, rows, ok := strings.Cut(markdown, names[i]+" |")
			require.True(t, ok, names[i])
			if name != names[i] {
				_, rows, ok = strings.Cut(rows, "| "+name+" |")
				require.True(t, ok, name)
			}
			cells := strings.Split(rows, "|")
			for n := range points {
				cost, err := strconv.ParseFloat(strings.TrimSpace(cells[n]), 64)
				require.NoError(t, err, name)
				points[n] = append(points[n], plotter.XY{X: cost, Y: line})
			}
			ticks = append(ticks, plot.Tick{Value: line, Label: strings.Replace(name, "**", "all: ", 1)})
			ticks[len(ticks)-1].Label = strings.TrimSuffix(ticks[len(ticks)-1].Label, "**")
			line--
		}
		line--
		for n, shape := range []draw.GlyphDrawer{draw.RingGlyph{}, draw.CircleGlyph{}} {
			of := &plotter.Scatter{XYs: points[n], GlyphStyle: draw.GlyphStyle{Shape: shape, Color: []color.Color{red, blue}[i], Radius: 3}}
			drawn.Add(of)
			drawn.Legend.Add(strings.Trim(names[i], "*")+[]string{", after 100 jobs", ", after 1000 jobs"}[n], of)
		}
	}
	drawn.Y.Tick.Marker = plot.ConstantTicks(ticks)
	for _, axis := range []*plot.Axis{&drawn.X, &drawn.Y} {
		axis.Tick.Length, axis.LineStyle.Width, axis.Padding = 0, 0, 2
		setFont(&axis.Label.TextStyle, textSize)
		setFont(&axis.Tick.Label, textSize)
	}
	drawn.X.Min, drawn.X.Max = 1, max(1.2, drawn.X.Max+0.01)
	drawn.Y.Min, drawn.Y.Max = line, 0
	svg := vgsvg.New(width*3/4, vg.Length(-line)*14+40)
	drawn.Draw(draw.Crop(draw.New(svg), 6, -6, 6, -6))
	return svgBytes(svg)
}

func titles(list []jobs.Distribution) (names []string) {
	for _, d := range list {
		names = append(names, d.Name)
	}
	return names
}
