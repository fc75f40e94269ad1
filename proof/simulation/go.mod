module github.com/sfsturbo/waiter/proof/simulation

go 1.26

require (
	github.com/cenkalti/backoff/v4 v4.3.0
	github.com/sfsturbo/waiter v0.0.0
	github.com/stretchr/testify v1.11.1
	go.uber.org/goleak v1.3.0
	golang.org/x/time v0.14.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.27.1 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace github.com/sfsturbo/waiter => ../..
