// Package faults has no code of its own: its tests put real waits, over real sockets,
// through a network that breaks, and package main in soak keeps ten thousand of them
// going for minutes. The README says what is shown, and how.
package faults
