// Package bench compares this library with its peers: each waits for the same jobs by its own loop.
//
//	go test -run 'TestTable|TestPicture' -update
//
// writes the tables of README.md and the picture, delay.svg. It is a test because virtual time,
// testing/synctest, is available only in tests. The code that waits here is the code that users
// run, not a model of it.
package bench
