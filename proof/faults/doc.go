// Package faults has no code of its own. Its tests run real waits, over real sockets, through a
// network that breaks. Package main in soak keeps ten thousand waits going for minutes. The README
// says what is shown, and how.
package faults
