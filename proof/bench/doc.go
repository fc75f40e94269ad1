// Package bench is this library and its peers, side by side: each waits for the same
// jobs by its own loop.
//
//	go test -run TestTable -update
//
// writes the tables of README.md and the picture, delay.svg. It is a test because
// virtual time, testing/synctest, is for tests alone: so what sleeps here is the code
// that users run, not a model of it.
package bench
