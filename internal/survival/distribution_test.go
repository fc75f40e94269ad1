package survival

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDistribution(t *testing.T) {
	t.Run("has the model's quantiles", func(t *testing.T) {
		for _, model := range gated {
			for _, p := range []float64{0.05, 0.5, 0.95} {
				require.InEpsilon(t, model.quantile(1-p), model.distribution(4000).Quantile(p), 0.01, model.name)
			}
		}
		require.InEpsilon(t, 100*math.Ln10, Distribution{edges: []float64{0}, hazard: []float64{0.01}}.Quantile(0.9), 1e-9)
	})
}
