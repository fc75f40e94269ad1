//go:build unix && !solaris && !aix

package terraform

import (
	"errors"
	"os"
	"syscall"
)

var errLocked error = syscall.EWOULDBLOCK

// tryLock locks f until it is closed, by the end of the process too.
func tryLock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
