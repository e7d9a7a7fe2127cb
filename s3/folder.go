package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Folder is a Store of folders on disk, one a bucket, for trying things
// without a service: the keys of bucket B are the paths below Buckets[B]. As in
// S3, an object is what is in it: a file that was only touched is the same one.
type Folder struct {
	Buckets map[string]string

	// Tags, if set, remembers the files' tags from one process to the next, so
	// that a file is read for its tag only when its size or time has changed.
	Tags Ledger

	mu    sync.Mutex // guards known
	known map[string]tag
}

// A tag is what a file's content had when it was of this size and time.
type tag struct {
	Size int64     `json:"size"`
	Time time.Time `json:"time"` // of the last change
	ETag string    `json:"etag"` // a part of the content's SHA-256
}

// knownMax is how many tags a Folder keeps in memory.
const knownMax = 4096

// settledAfter is how long ago a file must have been changed for its tag to be
// remembered: a change within the same tick of the file system's clock would
// not show.
const settledAfter = 2 * time.Second

func (f *Folder) path(bucket, key string) (string, error) {
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

// Stat pins a file by its content.
func (f *Folder) Stat(ctx context.Context, o Object) (Object, int64, error) {
	file, there, err := f.open(ctx, o)
	if err != nil {
		return o, 0, err
	}
	o.ETag = there.ETag
	return o, there.Size, file.Close()
}

// Read opens a part of a file. Closing it fails when the content is another by
// then.
func (f *Folder) Read(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error) {
	file, _, err := f.open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &section{Reader: io.NewSectionReader(file, offset, length), file: file, unchanged: func() error { return f.check(ctx, o, file) }}, nil
}

// A section is a part of a file.
type section struct {
	io.Reader
	file      *os.File
	unchanged func() error
}

// Close ends the reading.
func (s *section) Close() error { return errors.Join(s.unchanged(), s.file.Close()) }

// open opens an object's file, which is to be as the object was pinned.
func (f *Folder) open(ctx context.Context, o Object) (*os.File, tag, error) {
	path, err := f.path(o.Bucket, o.Key)
	if err != nil {
		return nil, tag{}, err
	}
	info, err := os.Stat(path) // opening a pipe would wait for its writer
	if err != nil {
		return nil, tag{}, gone(o, err)
	}
	if !info.Mode().IsRegular() {
		return nil, tag{}, fmt.Errorf("%v: it is no regular file", o)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, tag{}, gone(o, err)
	}
	there, err := f.tag(ctx, o, file)
	if err == nil && o.ETag != "" && o.ETag != there.ETag {
		err = gone(o, fs.ErrNotExist)
	}
	if err != nil {
		return nil, tag{}, errors.Join(err, file.Close())
	}
	return file, there, nil
}

func gone(o Object, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%v: %w", o, ErrGone)
	}
	return fmt.Errorf("%v: %w", o, err)
}

// check reports whether an open file is still as the object was pinned.
func (f *Folder) check(ctx context.Context, o Object, file *os.File) error {
	there, err := f.tag(ctx, o, file)
	if err == nil && there.ETag != o.ETag {
		err = gone(o, fs.ErrNotExist)
	}
	return err
}

// tag is the tag of an object's open file.
func (f *Folder) tag(ctx context.Context, o Object, file *os.File) (tag, error) {
	now := time.Now()
	name := o.name()
	f.mu.Lock()
	known := f.known[name]
	f.mu.Unlock()
	info, err := file.Stat()
	if err != nil || known.of(info) {
		return known, err
	}
	if known = f.recall(ctx, name); !known.of(info) {
		if known, err = read(file, info); err != nil {
			return tag{}, fmt.Errorf("%v: %w", o, err)
		}
		if now.Sub(info.ModTime()) > settledAfter {
			if err := f.remember(ctx, name, known); err != nil {
				return tag{}, err
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) == knownMax {
		f.known = map[string]tag{}
	}
	f.known[name] = known
	return known, nil
}

func (t tag) of(info fs.FileInfo) bool {
	return t.ETag != "" && t.Size == info.Size() && t.Time.Equal(info.ModTime())
}

// read makes the tag of a file. One that is changed meanwhile gets a tag that
// nothing has, and so is found to be another at once.
func read(file *os.File, info fs.FileInfo) (tag, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, info.Size())); err != nil {
		return tag{}, err
	}
	return tag{info.Size(), info.ModTime(), hex.EncodeToString(sum.Sum(nil)[:16])}, nil
}

// recall is the tag that was remembered, if there is one that can be read.
func (f *Folder) recall(ctx context.Context, name string) (t tag) {
	if f.Tags == nil {
		return t
	}
	text, version, err := f.Tags.Load(ctx, tagName(name))
	if err != nil || version == 0 || json.Unmarshal(text, &t) != nil {
		return tag{} // the file itself tells
	}
	return t
}

func (f *Folder) remember(ctx context.Context, name string, t tag) error {
	if f.Tags == nil {
		return nil
	}
	_, version, err := f.Tags.Load(ctx, tagName(name))
	if err != nil {
		return err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = f.Tags.Store(ctx, tagName(name), text, version) // whoever was faster has read the same file
	return err
}

func tagName(name string) string { return "tag " + name }

// Put writes a file, whole or not at all.
func (f *Folder) Put(_ context.Context, bucket, key string, body []byte) error {
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
