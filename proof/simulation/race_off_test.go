//go:build !race

package simulation_test

const somePureSeeds, someHTTPSeeds = 20_000, 300
