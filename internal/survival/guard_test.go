package survival

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuard(t *testing.T) {
	t.Run("is between 30 and 300 call costs", func(t *testing.T) {
		for _, test := range []struct{ age, c, want float64 }{
			{0, 1, 30}, {15, 1, 30}, {60, 1, 120}, {150, 1, 300}, {1e6, 1, 300}, {60, 0.1, 30}, {1, 10, 300},
		} {
			require.Equal(t, test.want, Guard(test.age, test.c))
		}
	})
}
