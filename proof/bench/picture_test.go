package bench

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sfsturbo/waiter/proof/bench/optimum"
)

// A panel is one distribution in the picture: the optimum as a curve, the schedules as points.
type panel struct {
	title  string
	curve  optimum.Curve
	points []point
}

// A point is the mean cost of a schedule.
type point struct {
	schedule string
	optimum.Point
}

const (
	columns       = 3
	width, height = 720, 680 // points, as all lengths here
	textSize      = 8
)

var (
	ink    = color.Gray{Y: 32}
	grid   = color.Gray{Y: 224}
	blue   = color.RGBA{R: 9, G: 105, B: 218, A: 255}
	red    = color.RGBA{R: 207, G: 34, B: 46, A: 255}
	orange = color.RGBA{R: 188, G: 76, B: 0, A: 255}
	green  = color.RGBA{R: 26, G: 127, B: 55, A: 255}
	purple = color.RGBA{R: 130, G: 80, B: 223, A: 255}
)

// symbols are how the schedules are drawn, by name. The more jobs this library has learned from,
// the larger is its circle.
var symbols = map[string]draw.GlyphStyle{
	"vendor's provider": {Shape: draw.SquareGlyph{}, Color: ink, Radius: 3},
	"Terraform":         {Shape: draw.PyramidGlyph{}, Color: purple, Radius: 3},
	"AWS 20 s":          {Shape: draw.CircleGlyph{}, Color: orange, Radius: 2.5},
	"AWS 5 s":           {Shape: draw.RingGlyph{}, Color: orange, Radius: 2.5},
	"Azure":             {Shape: draw.BoxGlyph{}, Color: blue, Radius: 2.5},
	"Google":            {Shape: draw.TriangleGlyph{}, Color: green, Radius: 3},
	"Kubernetes":        {Shape: draw.PlusGlyph{}, Color: ink, Radius: 3},
	"gophercloud":       {Shape: draw.CrossGlyph{}, Color: purple, Radius: 3},
	"backoff/v4":        {Shape: draw.BoxGlyph{}, Color: ink, Radius: 2.5},
	learned(0):          {Shape: draw.RingGlyph{}, Color: red, Radius: 1.5},
	learned(10):         {Shape: draw.RingGlyph{}, Color: red, Radius: 2.5},
	learned(100):        {Shape: draw.RingGlyph{}, Color: red, Radius: 3.5},
	learned(1000):       {Shape: draw.RingGlyph{}, Color: red, Radius: 4.5},
}

// optimal is how the optimum is drawn.
var optimal = draw.LineStyle{Color: blue, Width: 1.25}

// picture returns the panels and a legend as SVG. Schedules without a symbol are left out.
func picture(panels []panel) []byte {
	svg := vgsvg.New(width, height)
	all := draw.New(svg)
	tiles := draw.Tiles{
		Rows: len(panels)/columns + 1, Cols: columns,
		PadX: 14, PadY: 18, PadTop: 6, PadBottom: 6, PadLeft: 6, PadRight: 12,
	}
	for i, p := range panels {
		p.plot().Draw(tiles.At(all, i%columns, i/columns))
	}
	l := legend(panels[0])
	l.Draw(tiles.At(all, len(panels)%columns, len(panels)/columns))
	return svgBytes(svg)
}

func svgBytes(svg *vgsvg.Canvas) []byte {
	var b bytes.Buffer
	_, _ = svg.WriteTo(&b) // a Buffer never fails
	// The font is not embedded. Where it is missing, these have the same widths.
	return bytes.ReplaceAll(b.Bytes(), []byte("Liberation Sans;"), []byte("Liberation Sans,Arial,Helvetica,sans-serif;"))
}

// logarithmic gives a plot logarithmic axes and a grid.
func logarithmic(drawn *plot.Plot) {
	for _, axis := range []*plot.Axis{&drawn.X, &drawn.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.TickerFunc(ticks)
		axis.Tick.Length, axis.LineStyle.Width, axis.Padding = 0, 0, 2
		setFont(&axis.Label.TextStyle, textSize)
		setFont(&axis.Tick.Label, textSize)
	}
	lines := plotter.NewGrid()
	lines.Vertical.Color, lines.Horizontal.Color = grid, grid
	drawn.Add(lines)
}

func (p panel) plot() *plot.Plot {
	drawn := plot.New()
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.title, "calls for each job", "mean delay, s"
	setFont(&drawn.Title.TextStyle, textSize+1)
	drawn.Title.TextStyle.Font.Weight = font.WeightBold
	drawn.Title.Padding = 4
	logarithmic(drawn)

	var all, ours, curve plotter.XYs
	for _, q := range p.curve {
		curve = append(curve, plotter.XY{X: q.Calls, Y: q.Delay})
	}
	for _, q := range p.points {
		all = append(all, plotter.XY{X: q.Calls, Y: q.Delay})
		if symbols[q.schedule].Color == red {
			ours = append(ours, all[len(all)-1])
		}
	}
	drawn.Add(&plotter.Line{XYs: curve, LineStyle: optimal},
		&plotter.Line{XYs: ours, LineStyle: draw.LineStyle{Color: red, Width: 0.5}})
	for i, q := range p.points {
		if symbol, ok := symbols[q.schedule]; ok {
			drawn.Add(&plotter.Scatter{XYs: all[i : i+1], GlyphStyle: symbol})
		}
	}
	left, right, low, high := plotter.XYRange(all)
	drawn.X.Min, drawn.X.Max = left/1.15, right*1.15
	drawn.Y.Min, drawn.Y.Max = low/2, high*1.3
	return drawn
}

// legend returns the legend of all panels, in the order of p's points.
func legend(p panel) plot.Legend {
	l := plot.NewLegend()
	l.Top, l.Left, l.Padding = true, true, 3
	l.XOffs, l.YOffs = 20, -20
	setFont(&l.TextStyle, textSize)
	l.Add("the optimum: the least delay for each number of calls", &plotter.Line{LineStyle: optimal})
	for _, q := range p.points {
		if symbol, ok := symbols[q.schedule]; ok {
			l.Add(strings.Trim(q.schedule, "*"), &plotter.Scatter{GlyphStyle: symbol})
		}
	}
	return l
}

func setFont(style *text.Style, size vg.Length) {
	style.Font.Typeface, style.Font.Variant, style.Font.Size = "Liberation", "Sans", size
	style.Color = ink
}

// ticks returns 1, 2 and 5 times the powers of ten.
func ticks(least, most float64) (list []plot.Tick) {
	for e := math.Floor(math.Log10(least)); e <= math.Log10(most); e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); least <= v && v <= most {
				list = append(list, plot.Tick{Value: v, Label: fmt.Sprintf("%.6g", v)})
			}
		}
	}
	return list
}
