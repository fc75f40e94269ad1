package terraform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Journal is a folder that remembers attempts to change objects, so that the provider that comes
// after one that was killed goes on with the same job. It has a small file for each object, without
// secrets. OpenJournal makes one. It is safe for concurrent use, by several processes too where the
// system has flock; on Windows and others, two processes must not share an object.
type Journal struct{ folder string }

// OpenJournal returns the journal in a folder, which is made if there is none. For "" it is the
// folder sfsturbo-jobs below Terraform's own data: $TF_DATA_DIR, otherwise .terraform. That lasts
// as long as the working directory: where each run has a new one, give a folder that lasts.
func OpenJournal(folder string) (*Journal, error) {
	if folder == "" {
		data := os.Getenv("TF_DATA_DIR")
		if data == "" {
			data = ".terraform"
		}
		folder = filepath.Join(data, "sfsturbo-jobs")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil { //nolint:gosec // the folder is the user's choice
		return nil, fmt.Errorf("cannot make the journal of jobs: %w", err)
	}
	return &Journal{folder}, nil
}

// page is the journal's file for one object, locked until it is closed.
type page struct {
	file *os.File // nil without a journal
	name string
}

// open waits for the object: a provider whose Terraform was killed may still be about to end.
func (j *Journal) open(ctx context.Context, object string) (*page, *record, error) {
	if j == nil {
		return &page{}, nil, nil
	}
	sum := sha256.Sum256([]byte(object))
	name := filepath.Join(j.folder, hex.EncodeToString(sum[:8])+".json")
	lock, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // as above
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the journal of jobs: %w", err)
	}
	for {
		err := tryLock(lock)
		if err == nil {
			break
		}
		if !errors.Is(err, errLocked) {
			_ = lock.Close()
			return nil, nil, fmt.Errorf("cannot lock the journal of jobs: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = lock.Close()
			return nil, nil, fmt.Errorf("another process is changing %s: %w", object, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	data, err := os.ReadFile(name) //nolint:gosec // as above
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		_ = lock.Close()
		return nil, nil, fmt.Errorf("cannot read the journal of jobs: %w", err)
	}
	return &page{lock, name}, decode(data), nil
}

// write stores r on disk before it returns; nil removes what is stored.
func (p *page) write(r *record) error {
	if p.file == nil {
		return nil
	}
	if r == nil {
		if err := os.Remove(p.name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot clear the journal of jobs: %w", err)
		}
		return nil
	}
	data, err := json.Marshal(r)
	if err == nil {
		err = replace(p.name, data)
	}
	if err != nil {
		return fmt.Errorf("cannot write the journal of jobs: %w", err)
	}
	return nil
}

// replace writes a file so that a crash leaves the old one or the new one.
func replace(name string, data []byte) error {
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(name))
	}
	return err
}

// syncFolder makes a rename last. Windows, and some network file systems, cannot sync a folder.
func syncFolder(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(name) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // it was only read
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

func (p *page) close() {
	if c := io.Closer(p.file); p.file != nil {
		_ = c.Close() // which unlocks it
	}
}
