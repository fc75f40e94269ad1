//go:build race

package waiter_test

// manyWaits is what the race detector allows: it dies of 8,128 goroutines.
const manyWaits = 4_000
