package credential

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
)

// standing is what the service's responses have shown about a key.
type standing struct {
	level
	again time.Time // when a rejected key may be tried again
	why   error     // the rejection; nil if unknown
}

type level int

const (
	unproven  level = iota
	corrected       // not accepted so far, and the clock's offset was corrected since
	proven
	rejected
)

const (
	someSkew      = 5 * time.Minute  // an offset worth correcting
	maxSkew       = 14 * time.Minute // nearly the 15 minutes that a signature is good for
	rejectionRest = 10 * time.Minute // twice as long as the service locks a key
	manyKeys      = 100              // how many a Credential whose key rotates remembers
)

// of returns what is known about k, with mu held.
func (a *accessKey) of(k key) standing {
	known := a.known[k.digest]
	if known.level == rejected && !time.Now().Before(known.again) {
		delete(a.known, k.digest)
		return standing{}
	}
	return known
}

// barred is the error of a request that is not sent, because the key was rejected.
func (s standing) barred(k key) error {
	text := fmt.Sprintf("access key %s was rejected and is not sent again for %s, because more than five failed signatures lock a key",
		k.name(), wire.Round(max(time.Until(s.again), time.Second)))
	err := fmt.Errorf("%s: check the key and its secret; if another program has locked the key, wait", text)
	if s.why != nil {
		err = fmt.Errorf("%s. It was rejected with %w", text, s.why)
	}
	return &Error{Permanent: true, Rejected: true, Err: err}
}

// learn records what the service said about k, which had signed a request with that
// date. It reports whether trying the request again would sign something else.
func (a *accessKey) learn(k key, date string, offset time.Duration, f Feedback) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	skew := time.Duration(0)
	if signed, err := time.Parse(dateLayout, date); err == nil && !f.Date.IsZero() {
		skew = f.Date.Sub(signed).Abs()
	}
	known := a.of(k).level
	switch f.Result {
	case Rejected:
		switch {
		case known == rejected:
			return a.rotates
		case offset != a.offset: // it was corrected since
			return true
		case skew > maxSkew && known != corrected: // because of the clock, not the key
			a.offset = time.Until(f.Date)
			a.known[k.digest] = standing{level: corrected}
			return true
		}
		a.known[k.digest] = standing{rejected, time.Now().Add(rejectionRest), f.Err}
		return a.rotates
	case Accepted:
		if known == rejected { // a late success does not clear a rejection
			return false
		}
		if len(a.known) >= manyKeys {
			maps.DeleteFunc(a.known, func(_ [sha256.Size]byte, s standing) bool { return s.level == proven })
		}
		a.known[k.digest] = standing{level: proven}
		if skew > someSkew && skew < maxSkew && offset == a.offset {
			a.offset = time.Until(f.Date)
		}
	}
	return false
}
