package wire

import (
	"regexp"
	"strings"
	"time"
)

// Refusal is why a credential was refused, as far as the words of the refusal say.
type Refusal int

// The refusals that call for different steps.
const (
	Unclear   Refusal = iota
	ClockOff          // the time of a signature is too far from the service's
	Locked            // a key or a user, because of failed attempts
	Expired           // a token, a temporary key or a password
	Outdated          // a token that is too old, or of another region
	Disabled          // a key or a user
	NoSuchKey         // an access key
	Mismatch          // the signature does not match
	Unknown           // a token of another cloud, or not all of it
)

// refusals are what the messages of the gateway, IAM and Keystone have in them, in lower case.
// The first that fits counts: a locked key's message says "forbidden", an expired signature's
// says "signature".
var refusals = []struct {
	words string
	is    Refusal
}{
	{"signature expired", ClockOff},
	{"signature time", ClockOff},
	{"timestamp", ClockOff},
	{"x-sdk-date", ClockOff},
	{"clock skew", ClockOff},
	{"reach the limit", Locked},
	{"reached the limit", Locked},
	{" locked", Locked},
	{"temporarily disabled", Locked},
	{"too many failed", Locked},
	{"expire", Expired}, // "token expires", "password is expired", "has expired"
	{"must be updated", Outdated},
	{"disabled", Disabled},
	{"inactive", Disabled},
	{"ak not exist", NoSuchKey},
	{"get secretkey failed", NoSuchKey},
	{"signature fail", Mismatch},
	{"decrypt token", Unknown},
}

// WhyRefused reads the message of a refusal. Messages change, so what it returns may choose a hint,
// and nothing else.
func WhyRefused(message string) Refusal {
	message = strings.ToLower(message)
	for _, r := range refusals {
		if strings.Contains(message, r.words) {
			return r.is
		}
	}
	return Unclear
}

var signedAndServed = regexp.MustCompile(`signature time: ?(\d{8}T\d{6}Z), ?server time: ?(\d{8}T\d{6}Z)`)

// ClockAhead returns how far this machine's clock is ahead of the service's, by the gateway's
// message about a signature that has expired; 0 if it does not say.
func ClockAhead(message string) time.Duration {
	found := signedAndServed.FindStringSubmatch(message)
	if found == nil {
		return 0
	}
	const layout = "20060102T150405Z"
	signed, errSigned := time.Parse(layout, found[1])
	served, errServed := time.Parse(layout, found[2])
	if errSigned != nil || errServed != nil {
		return 0
	}
	return signed.Sub(served)
}

// ClockHint says what to do about a clock that is ahead; if it is 0, of one that may be off.
func ClockHint(ahead time.Duration) string {
	const set = ": set it right, for example with NTP"
	switch {
	case ahead > 0:
		return "this machine's clock is " + Round(ahead) + " ahead of the service's" + set
	case ahead < 0:
		return "this machine's clock is " + Round(-ahead) + " behind the service's" + set
	}
	return "the time of the request is not the service's: check this machine's clock"
}
