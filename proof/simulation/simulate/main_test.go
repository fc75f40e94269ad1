package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		want settings
		says string
	}{
		{nil, settings{tier: "pure", until: 20_000, workers: runtime.NumCPU()}, ""},
		{[]string{"-tier", "http", "-from", "5", "-seeds", "10", "-workers", "1"}, settings{"http", 5, 15, 1, false}, ""},
		{[]string{"-seed", "0"}, settings{"pure", 0, 1, runtime.NumCPU(), true}, ""},
		{[]string{"-seed", "18446744073709551615"}, settings{"pure", 1<<64 - 1, 0, runtime.NumCPU(), true}, ""},
		{[]string{"7"}, settings{}, `what is "7"?`},
		{[]string{"-tier", "tcp"}, settings{}, "it is pure or http"},
		{[]string{"-workers", "0"}, settings{}, "from 1 to 256"},
		{[]string{"-workers", "257"}, settings{}, "from 1 to 256"},
		{[]string{"-seeds", "0"}, settings{}, "1 or more"},
		{[]string{"-from", "18446744073709551615"}, settings{}, "no 20000 seeds from 18446744073709551615 on"},
		{[]string{"-seed", "7", "-seeds", "9"}, settings{}, "leave out -seeds"},
	} {
		got, err := parse(test.args)
		if test.says != "" {
			require.ErrorContains(t, err, test.says, test.args)
			continue
		}
		require.NoError(t, err, test.args)
		require.Equal(t, test.want, got, test.args)
	}
}
