package jobs

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/sfsturbo/waiter/status"
)

// Drawn returns distributions of families that Distributions lacks, whose parameters are drawn at
// random from a fixed seed. The library's constants were tuned on the first half; no constant was
// chosen by what the second half costs.
func Drawn() (tuned, unseen []Distribution) { return draw(1), draw(2) }

func draw(seed uint64) []Distribution {
	r := rand.New(rand.NewPCG(seed, 18))
	between := func(low, high float64) float64 { return low * math.Pow(high/low, r.Float64()) }
	var list []Distribution
	add := func(name string, parts ...Part) { list = append(list, Distribution{name, parts}) }
	gamma := func() Gamma {
		power := between(1.2, 30)
		return Gamma{between(8, 900) / power, power}
	}

	for range 2 {
		g := gamma()
		add(fmt.Sprintf("gamma, mean %.0f s, shape %.1f", g.Scale*g.Power, g.Power), Part{1, status.Success, g})
	}
	for range 2 {
		l := Loglogistic{between(8, 600), between(2.5, 12)}
		add(fmt.Sprintf("log-logistic, median %.0f s, shape %.1f", l.Median, l.Power), Part{1, status.Success, l})
	}
	for range 2 {
		g := Gompertz{between(5, 200), between(0.003, 0.5)}
		add(fmt.Sprintf("Gompertz, median %.0f s, scale %.0f s", g.Quantile(0.5), g.Scale), Part{1, status.Success, g})
	}
	for humps := 2; humps <= 5; humps++ {
		var parts []Part
		total := 0.
		for range humps {
			p := Part{0.1 + r.ExpFloat64(), status.Success, Lognormal{between(4, 1200), between(0.03, 0.4)}}
			total += p.Weight
			parts = append(parts, p)
		}
		for i := range parts {
			parts[i].Weight /= total
		}
		add(fmt.Sprintf("%d humps", humps), parts...)
	}
	for range 2 {
		rare := between(0.01, 0.05)
		add(fmt.Sprintf("%.1f %% fail at once, the others gamma", 100*rare),
			Part{rare, status.Failed, Weibull{between(0.3, 3), 1}}, Part{1 - rare, status.Success, gamma()})
	}
	for plateaus := 1; plateaus <= 2; plateaus++ {
		var parts []Part
		for range plateaus {
			from := between(5, 400)
			parts = append(parts, Part{1 / float64(plateaus), status.Success, Uniform{from, from * (1 + between(0.2, 2))}})
		}
		add(fmt.Sprintf("plateaus: %d", plateaus), parts...)
	}
	return list
}
