//go:build !race

package simulation_test

const pureSeeds, someHTTPSeeds = 20_000, 300
