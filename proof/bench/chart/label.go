package chart

import (
	"math"
	"slices"
)

// A box is where something is, in the panel's units.
type box struct{ x, y, w, h float64 }

func (b box) overlaps(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

// places are what a panel has drawn so far. A label keeps clear of all of it, a leader
// line only of labels: it begins at a mark, and may cross a line.
type places struct{ drawn, labels []box }

func (p *places) mark(at Point) {
	p.drawn = append(p.drawn, box{at.X - dot, at.Y - dot, 2 * dot, 2 * dot})
}

func (p *places) along(line []Point) { p.drawn = append(p.drawn, trail(line)...) }

// trail is a line as a row of small boxes.
func trail(line []Point) []box {
	var boxes []box
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		n := math.Ceil(math.Hypot(b.X-a.X, b.Y-a.Y) / 2)
		for j := range int(n) + 1 {
			share := float64(j) / max(n, 1)
			boxes = append(boxes, box{a.X + (b.X-a.X)*share - 1, a.Y + (b.Y-a.Y)*share - 1, 2, 2})
		}
	}
	return boxes
}

// turns are where a label is tried, in eighths of a circle from the mark's right.
var turns = [...]float64{0, 4, 2, 6, 1, 7, 3, 5, 0.5, 7.5, 3.5, 4.5, 1.5, 2.5, 5.5, 6.5}

// label takes the free place that is nearest to a mark for its label. Where that is
// not beside the mark, there is a leader line to draw, which crosses another label only
// if it can't be helped.
func (p *places) label(mark Point, text string) (label box, leader []Point) {
	w, h := 0.58*fontSize*float64(len([]rune(text))), fontSize+1
	for _, free := range []func(box, []Point) bool{p.free, p.freeButForTheLeader} {
		for distance := dot + 2; distance < width/2; distance += 3 {
			for _, turn := range turns {
				sin, cos := math.Sincos(turn * math.Pi / 4)
				label = box{mark.X + distance*cos - w*(1-cos)/2, mark.Y + distance*sin - h*(1-sin)/2, w, h}
				if distance > dot+6 {
					leader = []Point{mark, {min(max(mark.X, label.x), label.x+w), min(max(mark.Y, label.y), label.y+h)}}
				}
				if free(label, leader) {
					p.labels = append(p.labels, label)
					p.along(leader)
					return label, leader
				}
			}
		}
		leader = nil
	}
	return label, leader // no room at all
}

func (p *places) free(label box, leader []Point) bool {
	if !p.freeButForTheLeader(label, leader) {
		return false
	}
	for _, spot := range trail(leader) {
		if overlapsAny(spot, p.labels) {
			return false
		}
	}
	return true
}

func (p *places) freeButForTheLeader(label box, _ []Point) bool {
	inside := label.x >= left && label.x+label.w <= width-2 && label.y >= top && label.y+label.h <= height-bottom
	return inside && !overlapsAny(label, p.drawn) && !overlapsAny(label, p.labels)
}

func overlapsAny(b box, others []box) bool { return slices.ContainsFunc(others, b.overlaps) }
