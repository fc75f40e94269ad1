//go:build race

package simulation_test

// With the race detector everything takes ten times as long.
const somePureSeeds, someHTTPSeeds = 2_000, 60
