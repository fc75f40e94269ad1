// Package pollertest is the job service of SFS Turbo for tests and demos: scripted jobs,
// the calls that start them, and faults, over real HTTP.
//
// It behaves as the service's page about a job's status and the pages of its neighbors
// say, and refuses what the service would refuse. It does not import testing, so a demo
// can run it too.
//
// # On a port
//
//	server := pollertest.New()
//	defer server.Close()
//	server.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
//		{After: time.Second, Job: status.Job{Status: status.Running}},
//		{After: 3 * time.Second, Job: status.Job{Status: status.Failed, FailReason: "no route"}},
//	}})
//	err := provision(server.Start(), "a-project", "a-token") // your code
//	// err should say: no route
//
// [Server.Add] starts a job without a submitting call and returns its id. A Server is also
// an [http.Handler], for a server of your own.
//
// # In memory, in virtual time
//
// [Server.Memory] runs the real net/http server and transport over [net.Pipe]. In a bubble
// of testing/synctest a job of two days then takes almost no time, and each timeout is
// exact:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := pollertest.New()
//		defer server.Close()
//		endpoint, client := server.Memory()
//		id := server.Add(pollertest.Script{Type: "create_share", Steps: []pollertest.Step{
//			{After: time.Minute, Job: status.Job{Status: status.Running}},
//			{After: 48 * time.Hour, Job: status.Job{Status: status.Success}},
//		}})
//		...
//	})
//
// Make the server inside the bubble and close it there: time does not pass in a bubble
// that waits for something outside, and a bubble does not end before its goroutines. A
// port ([Server.Start]) is outside of every bubble.
//
// # Faults
//
// A [Rule] says which requests go wrong, and how. Three polls that find the gateway
// overloaded, a connection that is reset by a submitting call, and a response that lacks a
// sub-job:
//
//	server.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 3, Status: 429, RetryAfter: "7"})
//	server.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Break: pollertest.Reset})
//	server.Fail(pollertest.Rule{JobID: id, Skip: 4, Times: 1, Edit: func(j *status.Job) {
//		j.SubJobs = j.SubJobs[1:]
//	}})
//
// If a rule responds itself, the request never reaches the service: such a submitting call
// starts nothing. Everything else that a rule does happens on the way back: the service
// has done its work, as of the moment when the request arrived.
//
// # What is checked
//
// In this order, as the gateway and the service do it:
//
//   - the path, its segments percent-decoded: 404 APIGW.0101 for a path that the service
//     does not have; and the method: 405
//   - the credential: 401 APIGW.0301, with a text that says what is wrong with it. Any
//     token is good, and any well-formed SDK-HMAC-SHA256 signature that is not older than
//     fifteen minutes, unless [WithToken], [WithAccessKey] or [WithTemporaryKey] says
//     which. A token that this server issued is good for 24 hours, or until
//     [Server.RevokeTokens]. More than five refusals in a row lock an access key for five
//     minutes. This package verifies signatures with its own code. If X-Sdk-Content-Sha256
//     is signed, it is UNSIGNED-PAYLOAD or the body's hash.
//   - the project: 403 SFS.TURBO.9000 for any project other than [WithProject]'s. A token
//     that this server issued for a project's id is refused in other projects, and one that
//     it issued for a domain or without a scope is refused in all of them.
//   - the job: 404 SFS.TURBO.0019, also for a job that was submitted in another project.
//     Ids match with and without dashes, in upper and lower case.
//   - a submitting call's body, which is a JSON object with the fields that the official
//     SDK requires; only DELETE of ldap has none: 400 SFS.TURBO.0001
//   - the share, which runs one operation at a time: 400 SFS.TURBO.0011 until the job
//     that was submitted for it before has ended
//
// # What is served
//
// Below /v1/{project_id}/sfs-turbo/:
//
//	GET jobs/{job_id}
//	GET, POST, PUT, DELETE shares/{share_id}/fs/ldap
//	GET, POST, PUT, DELETE shares/{share_id}/fs/active-directory-domain
//
// POST, PUT and DELETE start jobs on any share, whether or not it is bound to anything. GET
// shows what the share is bound to, without passwords. That changes when a job succeeds: a job
// that is running or has failed leaves it as it was. If the share is bound to nothing, GET is
// 404 SFS.TURBO.0002. An AD domain also has a status: JOINING or EXITING while a job runs,
// FAILED after a job that failed, otherwise AVAILABLE. GET shows a domain that is being joined,
// or could not be joined, with that status.
//
// And of IAM:
//
//	POST /v3/auth/tokens
//	GET  /v3/projects, /v3/auth/projects
//	GET  /v3/auth/domains
//	GET  /v3/auth/catalog
//
// A request for a token authenticates with any password, or with a token that the server
// accepts. It names the user with a domain, or by id. The scope is a project, a domain, or
// absent. The response lists the user's roles and the catalog of services; with
// ?nocatalog=true the catalog is empty. If no domain is named, it is "a-domain", with the id
// d0000000000000000000000000000001.
//
// The catalog says that IAM and, in the project's region, the network service are at this
// server's address. The Terraform provider's library derives the address of SFS Turbo from
// that of the network service.
//
// [Server.Requests] lists the requests so far.
//
// # Texts of refusals
//
// The texts of the refusals begin with "Incorrect IAM authentication information". The
// rest is one of these, as pages about the gateway and reports of its users quote it:
//
//	(nothing)                                       neither a token nor a signature
//	: decrypt token fail                            not the server's token, or security token
//	: token expires                                 a token that is expired or revoked
//	: Get secretKey failed,err:ak not exist         not the server's access key
//	: verify aksk signature fail                    a wrong or malformed signature
//	: calc ak sk signature fail:signature expired   more than fifteen minutes old or ahead
//	: AK access failed to reach the limit,forbidden the key is locked
package pollertest
