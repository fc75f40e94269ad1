// Package terraform is what a Terraform or OpenTofu provider needs to change something by a job of
// SFS Turbo: a [Runner] submits the job once, records its id, waits under the resource's timeout,
// and says in diagnostics what went wrong.
//
// It is for providers on terraform-plugin-framework. [StateRefresh] is for those that are still on
// terraform-plugin-sdk.
//
// # What survives
//
// Terraform stores a resource's state, private state included, only after the provider has
// returned from Create, Update or Delete. So the private state is enough for an interrupt, a
// timeout or an outage, after which the provider still returns. It is lost when a process is
// killed. For that there is a [Journal], a folder of the provider's own: what is wanted is in it
// before the job is submitted, and the job's id is in it before the wait.
//
//	ends by                        the id is in                          the next apply
//	SIGINT, timeout, outage        the state, the journal, the message   waits for the same job
//	SIGKILL of either process      the journal                           waits for the same job
//	SIGKILL during the submit      nowhere: no response arrived          asks the service first
//
// After a kill during the submit, the next attempt asks Change.Holds whether the service shows
// what is wanted. If not, it submits, which the service refuses while the lost job runs, and then
// it asks again. A second job is started only if the lost one never began, has failed, or succeeds
// between the question and the submit, or if what is wanted was shown before the lost submit
// already.
package terraform
