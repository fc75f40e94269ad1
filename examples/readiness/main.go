// Command readiness shows how to test code that provisions something and returns when it is ready.
// The code is in provision.go. Its tests, in readiness_test.go, are the example: they run against
// the job service of package pollertest, in virtual time and on a port. The command runs the code
// once.
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
