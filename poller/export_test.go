package poller

// NewTransport is the default one, for tests that need another way to the service
// or other root certificates with it.
var NewTransport = newTransport
