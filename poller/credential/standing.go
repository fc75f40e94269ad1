package credential

import (
	"crypto/sha256"
	"maps"
	"time"
)

// standing is what the service's responses have shown about a key.
type standing struct {
	level
	again time.Time // when a rejected key may be tried again
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

// of returns the level of k, with mu held.
func (a *accessKey) of(k key) level {
	known := a.known[k.digest]
	if known.level == rejected && !time.Now().Before(known.again) {
		delete(a.known, k.digest)
		return unproven
	}
	return known.level
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
	known := a.of(k)
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
		a.known[k.digest] = standing{rejected, time.Now().Add(rejectionRest)}
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
