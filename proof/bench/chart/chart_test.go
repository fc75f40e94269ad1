package chart

import (
	"encoding/xml"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func crowd(r *rand.Rand) Panel {
	p := Panel{Title: "σ < 1 & more"}
	for calls := 2.0; calls < 500; calls *= 1.3 {
		p.Curve = append(p.Curve, Point{calls, 40 / calls})
	}
	for _, name := range []string{"vendor's provider", "Terraform", "AWS 20 s", "AWS 5 s", "Azure", "Google", "Kubernetes", "gophercloud", "backoff/v4"} {
		p.Marks = append(p.Marks, Mark{Point{5 + 20*r.Float64(), 5 + 10*r.Float64()}, name, false})
	}
	for _, name := range []string{"0 jobs", "10", "100", "1000"} {
		p.Marks = append(p.Marks, Mark{Point{4 + 3*r.Float64(), 5 + 2*r.Float64()}, name, true})
	}
	return p
}

func TestThePictureIsXMLWithEveryWord(t *testing.T) {
	p := crowd(rand.New(rand.NewPCG(1, 2)))
	picture := Draw([]Panel{p, p, p}, []Note{{Ours, "ours"}, {Text: "a note"}})
	words := map[string]int{}
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if text, ok := token.(xml.CharData); ok {
			words[string(text)]++
		}
	}
	for _, m := range p.Marks {
		require.GreaterOrEqual(t, words[m.Label], 3, m.Label)
	}
	require.Equal(t, 3, words[p.Title])
	require.Equal(t, 1, words["a note"])
	require.Equal(t, 3*13+1, strings.Count(picture, "<circle"))
	require.NotContains(t, picture, "NaN")
	require.NotContains(t, picture, "Inf")
}

func TestLabelsKeepClearOfEachOtherAndOfAllMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := crowd(r)
		x, y := p.axes()
		var taken places
		for _, m := range p.Marks {
			taken.mark(Point{x.at(m.X), y.at(m.Y)})
		}
		marks := len(taken.drawn)
		for _, m := range p.Marks {
			label, _ := taken.label(Point{x.at(m.X), y.at(m.Y)}, m.Label)
			require.True(t, label.x >= left && label.x+label.w <= width && label.y >= top && label.y+label.h <= height-bottom, m.Label)
		}
		for i, label := range taken.labels {
			for _, other := range append(taken.drawn[:marks:marks], taken.labels[:i]...) {
				require.False(t, label.overlaps(other), p.Marks[i].Label)
			}
		}
	}
}

func TestTicksAreOneTwoFive(t *testing.T) {
	require.Equal(t, []float64{0.5, 1, 2, 5, 10}, axis{min: 0.3, max: 12}.ticks())
	require.Equal(t, "0.5", number(0.5))
	require.Equal(t, "100000", number(100000))
}

func TestAnAxisIsLogarithmic(t *testing.T) {
	a := axis{min: 1, max: 100, from: 50, to: 250}
	require.Equal(t, 50.0, a.at(1))
	require.InDelta(t, 150, a.at(10), 1e-9)
	require.InDelta(t, 250, a.at(100), 1e-9)
}
