// Package faults has no code of its own: its tests put real waits, over real
// sockets, through a network that breaks, and package main in soak keeps ten
// thousand of them going for minutes. What the rest of the repository shows in
// memory and in virtual time is shown here with the kernel's own connections: bytes
// that come one at a time, connections that are reset in the middle of an answer,
// a port where nobody listens for a while.
//
// It is a module of its own, since the proxy that breaks the network and the
// library that draws the soak's plot need more than the waiter does.
package faults
