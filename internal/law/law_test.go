package law

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithNothingSeenTheLawIsThatOfTheColdSchedule(t *testing.T) {
	for _, c := range costsOfACall {
		p := Learned(new(Histogram), nil, cold, c).Plan(c)
		require.InEpsilon(t, 15, p.Next(1000)-1000, 0.05)
		require.InEpsilon(t, 15, p.Next(1e6)-1e6, 0.05)
		require.InDelta(t, 3, p.Next(10)-10, 1) // 1.25^n s after 10 s
	}
	require.InDelta(t, 63.2, cold.settled(), 0.1)
}

func TestBeyondWhatWasSeenItFallsBackToTheColdSchedule(t *testing.T) {
	var h Histogram
	for range 100 {
		h.Record(5, 5.5)
	}
	p := Learned(&h, nil, cold, 1).Plan(1)
	require.InEpsilon(t, 5.5, p.Next(0), 0.1)
	require.Less(t, p.Next(20)-20, 8.)
	require.InEpsilon(t, 15, p.Next(300)-300, 0.05)
}

func TestSmoothingKeepsEachJob(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		var mass, also [Buckets]float64
		for range 1 + r.IntN(300) {
			mass[r.IntN(Buckets)]++
			also[r.IntN(Buckets)]++
		}
		m, a := smooth(&mass, &also)
		for _, pair := range [][2][Buckets]float64{{mass, m}, {also, a}} {
			before, after := 0., 0.
			for b := range Buckets {
				before += pair[0][b]
				after += pair[1][b]
				require.GreaterOrEqual(t, pair[1][b], 0.)
			}
			require.InEpsilon(t, before, after, 1e-9)
		}
	}
}

func TestJobsThatEndAtOnceStayWhereTheyAre(t *testing.T) {
	var mass, also [Buckets]float64
	mass[0] = 100
	m, _ := smooth(&mass, &also)
	require.InDelta(t, 100, m[0], 1e-9)
}

// Of 10,000 jobs that began together, those that have ended are the fast ones. Who
// believes only these looks far too often at the rest.
func TestRunningJobsAreKnownNotToHaveEnded(t *testing.T) {
	truth := lognormal(300, 1)
	r := rand.New(rand.NewPCG(1, 5))
	var fast, all Histogram
	const now = 60.
	for range 10_000 {
		if took := truth.draw(r); took < now {
			fast.Record(took, took)
			all.Record(took, took)
		} else {
			all.Run(now)
		}
	}
	calls := func(p *Plan, from, to float64) (n int) {
		for age := from; age < to; age = p.Next(age) {
			n++
		}
		return n
	}
	biased, fair := Learned(&fast, nil, cold, 1), Learned(&all, nil, cold, 1)
	known := truth.law(4000)
	right := calls(known.Plan(1), 0, now)
	require.InDelta(t, right, calls(fair.Plan(1), 0, now), 1)
	require.Greater(t, calls(biased.Plan(1), 0, now), 2*right)

	b := bucketOf(40)
	hazard := (math.Log(truth.survival(edges[b])) - math.Log(truth.survival(edges[b+1]))) / (edges[b+1] - edges[b])
	require.InEpsilon(t, hazard, fair.rates[b], 0.1)
	require.InEpsilon(t, 15, fair.Plan(1).Next(100)-100, 0.2, "nobody has been there: cold")
}

func TestManyRunningJobsAndNoEndIsNoReasonToLookOften(t *testing.T) {
	var h Histogram
	for range 1000 {
		h.Run(100)
	}
	h.Record(1, 1)
	p := Learned(&h, nil, cold, 1).Plan(1)
	require.Greater(t, p.Next(10), 60.)
	require.InEpsilon(t, 15, p.Next(150)-150, 0.1)
}

func TestANewTypeBeginsWithTheLawOfAll(t *testing.T) {
	var own, all Histogram
	for range 200 {
		all.Record(100, 105)
	}
	require.InEpsilon(t, 105, Learned(&own, &all, cold, 1).Quantile(0.5), 0.3)
	for range 50 {
		own.Record(5, 5.2)
	}
	require.InEpsilon(t, 5.1, Learned(&own, &all, cold, 1).Quantile(0.5), 0.1)
}

// Worth a whole job for good, theirs would be one in 21, and beyond the quantile.
func TestWhatOthersHaveSeenIsWorthLessWithEachJobOfItsOwn(t *testing.T) {
	var own, all Histogram
	for range 200 {
		all.Record(100, 105)
	}
	for range 20 {
		own.Record(5, 5.2)
	}
	require.Less(t, Learned(&own, &all, cold, 1).Quantile(0.97), 10.)
}

func TestTheQuantilesOfALaw(t *testing.T) {
	for _, truth := range gated {
		for _, p := range []float64{0.05, 0.5, 0.95} {
			require.InEpsilon(t, truth.quantile(1-p), truth.law(4000).Quantile(p), 0.01, truth.name)
		}
	}
	require.InEpsilon(t, 100*math.Ln10, Law{[]float64{0}, []float64{0.01}}.Quantile(0.9), 1e-9)
}

// All in one bucket: a plan that took the hazard in it for constant would look where
// it begins.
func TestJobsThatAllTakeTheSameAreLookedAtOnceJustAfterThat(t *testing.T) {
	for _, took := range []float64{2, 4.9, 5, 5.1, 19.5, 20, 20.5} {
		h := new(Histogram)
		var p *Plan
		for range 100 {
			require.False(t, h.Learn(took, took, p), "no surprise")
			p = Learned(h, nil, cold, 1).Plan(1)
		}
		require.GreaterOrEqual(t, p.Next(0), took)
		require.Less(t, p.Next(0), took*1.07)
	}
}
