// Command ratelimit shares one rate limiter between several waits, because all calls of a user
// share the service's limit: however many jobs are awaited, the polls never exceed it.
//
//	go run ./examples/ratelimit
package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server := pollertest.New() // the built-in service
	defer server.Close()
	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	// Four polls a second, for all waits of w together. Other Waiters and the program's own calls may
	// share it too.
	limiter := rate.NewLimiter(4, 1)
	w, err := waiter.New(client, waiter.WithLimiter(limiter))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	began := time.Now()
	var waits sync.WaitGroup
	for n := range 8 {
		id := server.Add(pollertest.Script{ID: fmt.Sprintf("job-%d", n+1), Type: "bind_ldap", Steps: []pollertest.Step{
			{Job: status.Job{Status: status.Running}},
			{After: 2 * time.Second, Job: status.Job{Status: status.Success}},
		}})
		waits.Go(func() {
			if _, err := w.Wait(ctx, id); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Printf("%s has succeeded, seen after %.1f s\n", id, time.Since(began).Seconds())
		})
	}
	waits.Wait()

	polls := make([]int, int(time.Since(began).Seconds())+1)
	for _, r := range server.Requests() {
		polls[int(r.At.Sub(began).Seconds())]++
	}
	fmt.Println("\nPolls that the service saw:")
	for second, n := range polls {
		fmt.Printf("  second %d  %s %d\n", second+1, strings.Repeat("#", n), n)
	}
	return nil
}
