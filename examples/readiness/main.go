// Command readiness has code that provisions something and returns when it is
// ready, in provision.go, and the tests of it, in readiness_test.go: against the job
// service of package pollertest, in virtual time and on a port. The tests are the
// example; the command only runs that code once.
//
//	go test -v ./examples/readiness
//	go run ./examples/readiness
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func main() {
	server := pollertest.New() // the built-in service: its jobs take four seconds
	p := Provisioner{Endpoint: server.Start(), Project: "demo-project", Token: "demo-token", HTTP: http.DefaultClient}
	fmt.Println("Binding LDAP to share-1 ...")
	err := p.BindLDAP(context.Background(), "share-1", "ldap://192.168.0.10:389")
	server.Close()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("share-1 is ready.")
}
