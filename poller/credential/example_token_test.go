package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sfsturbo/waiter/poller/credential"
)

// A Credential can also authorize the call that starts a job.
func ExampleToken() {
	token := credential.Token("MIIQtgYJKoZIhvcNAQcC...")
	r, err := http.NewRequest(http.MethodGet, "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := token.Authorize(context.Background(), r); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Header.Get("X-Auth-Token"))
	// Output: MIIQtgYJKoZIhvcNAQcC...
}

// A token from elsewhere, such as a file that a sidecar keeps fresh. The func is called for
// each request.
func ExampleTokenFunc() {
	issued := 0
	token := credential.TokenFunc(func(context.Context) (string, error) {
		issued++
		return fmt.Sprintf("token-%d", issued), nil
	})
	for range 2 {
		r, err := http.NewRequest(http.MethodGet, "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := token.Authorize(context.Background(), r); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Header.Get("X-Auth-Token"))
	}
	// Output:
	// token-1
	// token-2
}

// An error of a TokenFunc passes, and polling goes on, unless it says that asking
// again can't help.
func ExampleError() {
	token := credential.TokenFunc(func(context.Context) (string, error) {
		return "", &credential.Error{Permanent: true, Err: errors.New("the account is locked")}
	})
	r, err := http.NewRequest(http.MethodGet, "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Authorize(context.Background(), r))
	// Output: credential: the account is locked
}
