package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// A FolderLedger is a Ledger of files in a folder, for the processes of one
// machine.
type FolderLedger struct {
	Dir string

	mu sync.Mutex // one writer at a time in this process; a lock on a file sees to the others
}

// entry is a file of the ledger.
type entry struct {
	Version int64           `json:"version"`
	Text    json.RawMessage `json:"text"`
}

// nameBytesMax keeps the names of files within what file systems take, which is
// 255 bytes.
const nameBytesMax = 200

// file is where the text of a name is kept.
func (l *FolderLedger) file(name string) string {
	file := url.PathEscape(name)
	if len(file) > nameBytesMax {
		sum := sha256.Sum256([]byte(name))
		file = file[:nameBytesMax-33] + "-" + hex.EncodeToString(sum[:16])
	}
	return filepath.Join(l.Dir, file+".json")
}

// Tells reports whether the ledger has an entry of an object of a place, by the
// names of its files.
func (l *FolderLedger) Tells(of Place) (bool, error) {
	entries, err := os.ReadDir(l.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("ledger: %w", err)
	}
	begin := url.PathEscape(Object{Bucket: of.Bucket, Key: of.Prefix}.String())
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), begin) {
			return true, nil
		}
	}
	return false, nil
}

// Load reads a file. One that holds no entry, because somebody or something has
// damaged it, is version 1 and its bytes are the text: who knows what the text
// should be will find it wrong, and can write over it.
func (l *FolderLedger) Load(_ context.Context, name string) ([]byte, int64, error) {
	text, err := os.ReadFile(l.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("ledger: %w", err)
	}
	var e entry
	if json.Unmarshal(text, &e) != nil || e.Version < 1 {
		return text, 1, nil
	}
	return e.Text, e.Version, nil
}

// Store replaces a file.
func (l *FolderLedger) Store(ctx context.Context, name string, text []byte, version int64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lock, err := l.lock()
	if err != nil {
		return false, fmt.Errorf("ledger: %w", err)
	}
	defer lock.Close() // which gives it back
	_, there, err := l.Load(ctx, name)
	if err != nil || there != version {
		return false, err
	}
	body, err := json.Marshal(entry{version + 1, text})
	if err != nil {
		return false, err
	}
	return true, replace(l.file(name), body)
}

// lock waits until no other process writes.
func (l *FolderLedger) lock() (*os.File, error) {
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(l.Dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	return file, nil
}
