// Command fromenv waits for jobs with the credential, the project and the region of the
// environment, under the names that the Terraform provider and the official SDK use. Without a job
// id it runs on a built-in service, and sets the environment for that.
//
//	go run ./examples/fromenv
//	HW_REGION_NAME=... HW_ACCESS_KEY=... HW_SECRET_KEY=... go run ./examples/fromenv <job id>
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(jobs []string) error {
	if len(jobs) == 0 {
		server := demo()
		defer server.Close()
		jobs = append(jobs, server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
			{After: time.Second, Job: status.Job{Status: status.Running}},
			{After: 3 * time.Second, Job: status.Job{Status: status.Success}},
		}}))
	}
	return await(jobs)
}

// await is what to copy.
func await(jobs []string) error {
	client, err := poller.FromEnv()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	fmt.Println(client)
	w, err := waiter.New(client, waiter.OnTransition(func(t status.Transition) { fmt.Println(t) }))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	_, err = w.WaitAll(ctx, jobs)
	return err
}

// demo starts a service, and sets what its user has in the environment: an access key and the
// region. The project is looked up: it has the region's name.
func demo() *pollertest.Server {
	server := pollertest.New(pollertest.WithNamedProject("0970dd7a1300f5672ff2c003c60ae115", "cn-north-4"),
		pollertest.WithAccessKey("DEMO", "a-demo's-secret"))
	endpoint := server.Start()
	os.Clearenv() // a credential that is there might come first
	for _, set := range [][2]string{
		{"HW_REGION_NAME", "cn-north-4"}, {"HW_ACCESS_KEY", "DEMO"}, {"HW_SECRET_KEY", "a-demo's-secret"},
		{"HW_SFS_TURBO_ENDPOINT", endpoint}, {"HW_AUTH_URL", endpoint},
	} {
		if err := os.Setenv(set[0], set[1]); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("No job id is given: using the built-in service at", endpoint)
	return server
}
