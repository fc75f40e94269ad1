// Package peer is how others wait for a job: their own libraries' loops, as they
// come, around one look at the job.
package peer

import (
	"context"

	"github.com/sfsturbo/waiter/status"
)

// A Peer is a library's way to wait for a job.
type Peer struct {
	Name string

	// Await returns when look has said that the job has ended: nil if it succeeded, the
	// library's own error if it failed. It sleeps by the time package alone, so that in a
	// synctest bubble no time passes.
	Await func(ctx context.Context, look func() status.Job) error
}

// All returns the peers, each with its library's defaults, or with the settings of a
// program that README.md names.
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
