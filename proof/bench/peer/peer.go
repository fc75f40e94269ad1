// Package peer waits for a job as others do: by their own libraries' loops, unmodified, around one
// function that polls the job.
package peer

import (
	"context"

	"github.com/sfsturbo/waiter/status"
)

// A Peer is a library's way to wait for a job.
type Peer struct {
	Name string

	// Await returns once poll has shown that the job has ended: nil if it succeeded, the
	// library's own error if it failed. It sleeps only by package time, so that it takes no
	// time in a synctest bubble.
	Await func(ctx context.Context, poll func() status.Job) error
}

// All returns the peers, each with its library's defaults, or with the settings of a program that
// README.md names.
func All() []Peer {
	return []Peer{
		{"vendor's provider", vendor},
		{"Terraform", terraform},
		{"AWS 20 s", aws(signerMinDelay)},
		{"AWS 5 s", aws(ecrMinDelay)},
		{"Azure", azure},
		{"Google", google},
		{"Kubernetes", kubernetes},
		{"gophercloud", openStack},
		{"backoff/v4", exponential},
	}
}
