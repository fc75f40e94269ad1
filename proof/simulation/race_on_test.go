//go:build race

package simulation_test

// The race detector makes it all ten times as slow.
const pureSeeds, someHTTPSeeds = 2_000, 60
