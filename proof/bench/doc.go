// Package bench compares this library with its peers: each waits for the same jobs by its own loop.
//
//	go test -run 'TestTable|TestPicture' -update
//
// writes the tables of README.md and the picture, delay.svg.
//
//	go test -run 'TestUnseen|TestCold' -update
//
// does the same for the decisions of a History on distributions that nothing was tuned on, and for
// exponential backoffs that know nothing, in package trial: it writes unseen.svg and cold.svg.
//
//	go test -run TestBudget -update
//
// does the same for many jobs under one budget, in package fleet: it writes a table of
// docs/benchmarks.md, and budget.svg.
//
// They are tests because virtual time, testing/synctest, is available only in tests. The code that
// waits here is the code that users run, not a model of it.
package bench
