package main

import (
	"errors"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

type series struct {
	name  string
	color color.Color
	value func(sample) float64
}

const mega = 1e6

var (
	blue   = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	orange = color.RGBA{R: 0xff, G: 0x7f, B: 0x0e, A: 0xff}
	green  = color.RGBA{R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff}
	red    = color.RGBA{R: 0xd6, G: 0x27, B: 0x28, A: 0xff}
)

// panels are drawn one below the other. All begin at zero, so that flat looks flat.
var panels = []struct {
	unit   string
	series []series
}{
	{"MB", []series{
		{"heap in use", orange, func(s sample) float64 { return s.heap / mega }},
		{"heap after a collection", blue, func(s sample) float64 { return s.live / mega }},
		{"stacks", green, func(s sample) float64 { return s.stacks / mega }},
	}},
	{"count", []series{
		{"goroutines", blue, func(s sample) float64 { return s.goroutines }},
		{"waits in progress", orange, func(s sample) float64 { return float64(s.waits) }},
	}},
	{"a second", []series{
		{"polls", blue, func(s sample) float64 { return s.rate }},
	}},
	{"waits so far", []series{
		{"succeeded", green, func(s sample) float64 { return float64(s.succeeded) }},
		{"failed, as the job did", orange, func(s sample) float64 { return float64(s.failed) }},
		{"unfinished, as the context ended", blue, func(s sample) float64 { return float64(s.unfinished) }},
		{"wrong", red, func(s sample) float64 { return float64(s.wrong) }},
	}},
}

// drawTo writes the samples to an SVG file.
func drawTo(file string, samples []sample) (err error) {
	rows := make([][]*plot.Plot, len(panels))
	for i, panel := range panels {
		p := plot.New()
		p.Y.Min, p.Y.Label.Text = 0, panel.unit
		p.Legend.Left, p.Legend.Top = true, true
		p.BackgroundColor = color.White
		if i == len(panels)-1 {
			p.X.Label.Text = "seconds"
		}
		p.Add(plotter.NewGrid())
		for _, s := range panel.series {
			points := make(plotter.XYs, len(samples))
			for k, sample := range samples {
				points[k] = plotter.XY{X: sample.at.Seconds(), Y: s.value(sample)}
			}
			line, err := plotter.NewLine(points)
			if err != nil {
				return err
			}
			line.Color, line.Width = s.color, vg.Points(1.5)
			p.Add(line)
			p.Legend.Add(s.name, line)
		}
		p.X.Min, p.Y.Max = 0, 1.4*p.Y.Max // with room for the legend
		rows[i] = []*plot.Plot{p}
	}

	canvas := vgsvg.New(20*vg.Centimeter, 28*vg.Centimeter)
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Points(8), PadTop: vg.Points(8), PadRight: vg.Points(12)}
	for i, row := range plot.Align(rows, tiles, draw.New(canvas)) {
		rows[i][0].Draw(row[0])
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(f)
	return errors.Join(err, f.Close())
}
