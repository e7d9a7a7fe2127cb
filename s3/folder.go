package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// A Folder is a Store of folders on disk, one a bucket, for trying things
// without a service: the keys of bucket B are the paths below Buckets[B].
type Folder struct {
	Buckets map[string]string
}

func (f Folder) path(bucket, key string) (string, error) {
	dir, ok := f.Buckets[bucket]
	if !ok {
		return "", fmt.Errorf("there is no bucket %s", bucket)
	}
	local, err := filepath.Localize(key)
	if err != nil {
		return "", fmt.Errorf("s3://%s/%s: no file has such a name: %w", bucket, key, ErrGone)
	}
	return filepath.Join(dir, local), nil
}

// Stat pins a file by its size and the time of its last change.
func (f Folder) Stat(_ context.Context, o Object) (Object, int64, error) {
	path, err := f.path(o.Bucket, o.Key)
	if err != nil {
		return o, 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return o, 0, gone(o, err)
	}
	tag := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	if o.ETag != "" && o.ETag != tag {
		return o, 0, gone(o, fs.ErrNotExist)
	}
	o.ETag = tag
	return o, info.Size(), nil
}

func gone(o Object, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%v: %w", o, ErrGone)
	}
	return fmt.Errorf("%v: %w", o, err)
}

// Read opens a part of a file.
func (f Folder) Read(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error) {
	if _, _, err := f.Stat(ctx, o); err != nil {
		return nil, err
	}
	path, err := f.path(o.Bucket, o.Key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, gone(o, err)
	}
	return section{io.NewSectionReader(file, offset, length), file}, nil
}

type section struct {
	io.Reader
	io.Closer
}

// Put writes a file, whole or not at all.
func (f Folder) Put(_ context.Context, bucket, key string, body []byte) error {
	path, err := f.path(bucket, key)
	if err != nil {
		return err
	}
	return replace(path, body)
}

func replace(path string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".part-")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // it is gone already when all went well
	_, err = part.Write(body)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// A FolderLedger is a Ledger of files in a folder, for one process.
type FolderLedger struct {
	Dir string

	mu sync.Mutex // makes comparing and writing one
}

// entry is a file of the ledger.
type entry struct {
	Version int64           `json:"version"`
	Text    json.RawMessage `json:"text"`
}

func (l *FolderLedger) file(name string) string {
	return filepath.Join(l.Dir, url.PathEscape(name)+".json")
}

// Load reads a file.
func (l *FolderLedger) Load(_ context.Context, name string) ([]byte, int64, error) {
	text, err := os.ReadFile(l.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	var e entry
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("ledger: %w", err)
	}
	return e.Text, e.Version, nil
}

// Store replaces a file.
func (l *FolderLedger) Store(ctx context.Context, name string, text []byte, version int64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, there, err := l.Load(ctx, name)
	if err != nil || there != version {
		return false, err
	}
	file, err := json.Marshal(entry{version + 1, text})
	if err != nil {
		return false, err
	}
	return true, replace(l.file(name), file)
}
