package survival

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkLearn(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 6))
	model, plan := lognormal(60, 0.5), learned(lognormal(60, 0.5), 100, 1, 1)
	var took [1024]float64
	for i := range took {
		took[i] = model.draw(r)
	}
	var h Histogram
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		t := took[i%len(took)]
		h.Learn(t-1, t, plan)
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, model := range gated {
		b.Run(model.name, func(b *testing.B) {
			var h Histogram
			r := rand.New(rand.NewPCG(1, 7))
			for range 1000 {
				took := model.draw(r)
				h.Learn(took-0.5, took+0.5, nil)
				h.Pass(0, took/2)
				h.AddRunning(1)
			}
			b.ReportAllocs()
			for b.Loop() {
				Posterior(&h, nil, prior, 1).Plan(1)
			}
		})
	}
}

func BenchmarkPoll(b *testing.B) {
	p := learned(lognormal(60, 0.5), 100, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		p.Poll(70, rand.Float64())
	}
}
