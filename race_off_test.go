//go:build !race

package waiter_test

const manyWaits = 10_000
