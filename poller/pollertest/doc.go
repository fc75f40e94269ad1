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
//     minutes. This package verifies signatures with its own code.
//   - the project: 403 SFS.TURBO.9000 for any project other than [WithProject]'s
//   - the job: 404 SFS.TURBO.0019, also for a job that was submitted in another project.
//     Ids match with and without dashes, in upper and lower case.
//   - a submitting call's body, which is a JSON object for POST and PUT: 400
//     SFS.TURBO.0001
//   - the share, which runs one operation at a time: 400 SFS.TURBO.0011 until the job
//     that was submitted for it before has ended
//
// The paths are /v1/{project_id}/sfs-turbo/ with jobs/{job_id} (GET),
// shares/{share_id}/fs/ldap and shares/{share_id}/fs/active-directory-domain (POST, PUT,
// DELETE), and of IAM /v3/auth/tokens (POST), which requires a password but accepts any,
// and /v3/projects (GET). [Server.Requests] lists the requests so far.
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
