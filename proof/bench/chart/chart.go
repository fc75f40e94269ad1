// Package chart draws panels of points around a curve, on log axes, as SVG.
package chart

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// A Panel is one pair of axes: calls to the right, delay upwards.
type Panel struct {
	Title string
	Curve []Point // the optimum
	Marks []Mark
}

// A Point is in the units of the axes, or of the picture.
type Point struct{ X, Y float64 }

// A Mark is a point with a name. A line joins those that are Ours, in their order.
type Mark struct {
	Point
	Label string
	Ours  bool
}

// A Note is a line of the legend.
type Note struct {
	Of   Kind
	Text string
}

// Kind is what a note explains.
type Kind int

const (
	Plain Kind = iota
	Curve
	Theirs
	Ours
)

const (
	columns       = 2
	width, height = 460.0, 330.0 // of a panel
	left, right   = 52.0, 12.0   // beside its axes
	top, bottom   = 30.0, 40.0
	dot           = 3.5 // a mark's radius
	fontSize      = 11.0
	font          = "Helvetica, Arial, sans-serif"
	ink, grid     = "#1f2328", "#d8dee4"
)

var colours = [...]string{Plain: ink, Curve: "#0969da", Theirs: "#57606a", Ours: "#cf222e"}

func (m Mark) colour() string {
	if m.Ours {
		return colours[Ours]
	}
	return colours[Theirs]
}

// Draw returns the SVG of the panels, two in a row, and after them the legend.
func Draw(panels []Panel, legend []Note) string {
	var s svg
	rows := len(panels)/columns + 1
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%[1]g" height="%[2]g" font-family="%s" font-size="%g">`,
		columns*width, float64(rows)*height, font, fontSize)
	s.printf(`<rect width="100%%" height="100%%" fill="white"/>`)
	for i := range len(panels) + 1 {
		s.printf(`<g transform="translate(%g %g)">`, float64(i%columns)*width, float64(i/columns)*height)
		if i < len(panels) {
			panels[i].draw(&s)
		} else {
			drawLegend(&s, legend)
		}
		s.printf(`</g>`)
	}
	s.printf(`</svg>`)
	return s.String()
}

func drawLegend(s *svg, notes []Note) {
	for i, n := range notes {
		y := top + 20 + 18*float64(i)
		switch n.Of {
		case Curve:
			s.line(colours[Curve], 2, Point{left, y - 4}, Point{left + 16, y - 4})
		case Theirs, Ours:
			s.circle(Point{left + 8, y - 4}, colours[n.Of])
		}
		s.text(Point{left + 24, y}, "start", ink, n.Text)
	}
}

func (p Panel) draw(s *svg) {
	x, y := p.axes()
	s.printf(`<text x="%g" y="18" font-size="13" font-weight="bold" fill="%s">%s</text>`, left, ink, escape(p.Title))
	for _, v := range x.ticks() {
		s.line(grid, 1, Point{x.at(v), top}, Point{x.at(v), height - bottom})
		s.text(Point{x.at(v), height - bottom + 15}, "middle", ink, number(v))
	}
	for _, v := range y.ticks() {
		s.line(grid, 1, Point{left, y.at(v)}, Point{width - right, y.at(v)})
		s.text(Point{left - 6, y.at(v) + 4}, "end", ink, number(v))
	}
	s.text(Point{(left + width - right) / 2, height - bottom + 31}, "middle", ink, "calls a job")
	s.printf(`<text transform="translate(12 %g) rotate(-90)" text-anchor="middle" fill="%s">mean delay, s</text>`, (top+height-bottom)/2, ink)

	at := func(q Point) Point { return Point{x.at(q.X), y.at(q.Y)} }
	var curve, ours []Point
	for _, q := range p.Curve {
		if x.holds(q.X) && y.holds(q.Y) {
			curve = append(curve, at(q))
		}
	}
	for _, m := range p.Marks {
		if m.Ours {
			ours = append(ours, at(m.Point))
		}
	}
	s.line(colours[Curve], 2, curve...)
	s.line(colours[Ours], 1, ours...)

	var taken places
	taken.along(curve)
	taken.along(ours)
	for _, m := range p.Marks {
		taken.mark(at(m.Point))
	}
	for _, m := range p.Marks {
		q := at(m.Point)
		label, leader := taken.label(q, m.Label)
		s.line(m.colour(), 0.6, leader...)
		s.circle(q, m.colour())
		s.text(Point{label.x, label.y + fontSize - 2}, "start", m.colour(), m.Label)
	}
}

type svg struct{ strings.Builder }

func (s *svg) printf(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

func (s *svg) line(colour string, width float64, points ...Point) {
	if len(points) < 2 {
		return
	}
	var list strings.Builder
	for _, p := range points {
		fmt.Fprintf(&list, " %.1f,%.1f", p.X, p.Y)
	}
	s.printf(`<polyline fill="none" stroke="%s" stroke-width="%g" points="%s"/>`, colour, width, list.String()[1:])
}

func (s *svg) circle(at Point, colour string) {
	s.printf(`<circle cx="%.1f" cy="%.1f" r="%g" fill="%s"/>`, at.X, at.Y, dot, colour)
}

func (s *svg) text(at Point, anchor, colour, words string) {
	s.printf(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`, at.X, at.Y, anchor, colour, escape(words))
}

func escape(words string) string {
	var s strings.Builder
	_ = xml.EscapeText(&s, []byte(words)) // a Builder does not fail
	return s.String()
}
