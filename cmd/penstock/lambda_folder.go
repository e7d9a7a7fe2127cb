package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/s3"
)

// A localRun gives the door a notice for each file of a folder, and prints what
// became of it. One that cannot be read keeps none behind it from being read.
type localRun struct {
	door  *s3.Door
	again bool
	out   io.Writer

	total, whole penstock.Tally // of this run, and of all runs so far
	unread       int            // files that were not read to their end
}

// folder reads the files of the keys, or all where there are none.
func (l *localRun) folder(ctx context.Context, dir string, keys []string) error {
	err := l.walk(ctx, dir, keys)
	fmt.Fprintln(l.out, l.total)
	switch {
	case err != nil:
		return err
	case l.unread == 1:
		return errors.New("1 file was not read: mend what is said of it, and run it again")
	case l.unread > 1:
		return fmt.Errorf("%d files were not read: mend what is said of them, and run it again", l.unread)
	case l.whole.Rejected > 0:
		return errFindings
	}
	return nil
}

func (l *localRun) walk(ctx context.Context, dir string, keys []string) error {
	left := slices.Compact(slices.Sorted(slices.Values(keys))) // one that is named twice is read once
	err := walkFiles(dir, func(key string, entry fs.DirEntry) error {
		if len(keys) > 0 {
			at := slices.Index(left, key)
			if at < 0 {
				return ctx.Err()
			}
			left = slices.Delete(left, at, at+1)
		}
		if what := oddFile(filepath.Join(dir, filepath.FromSlash(key)), entry); what != "" {
			fmt.Fprintf(l.out, "%s: ignored, it is %s\n", printable(key), what)
			return ctx.Err()
		}
		return l.object(ctx, key)
	})
	for _, key := range left {
		if err == nil {
			l.skip(key, errors.New("there is no such file in the bucket"))
		}
	}
	return err
}

// skip counts a file that was not read.
func (l *localRun) skip(key string, why error) {
	l.unread++
	fmt.Fprintf(l.out, "%s: not read, %s\n", printable(key), readable(why.Error()))
}

// object has the door read one file. An error is not the file's.
func (l *localRun) object(ctx context.Context, key string) error {
	if !utf8.ValidString(key) {
		l.skip(key, errors.New("a key is UTF-8, and its name is not: rename it"))
		return ctx.Err()
	}
	if l.again {
		if err := l.door.Reopen(ctx, localBucket, key); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	r, err := l.door.Process(ctx, s3.Notice{Object: s3.Object{Bucket: localBucket, Key: key}, Size: -1, Action: s3.Created})
	l.total, l.whole = l.total.Add(r.Tally), l.whole.Add(r.Progress.Tally)
	switch {
	case err == nil && r.Outcome == s3.Ignored:
		fmt.Fprintf(l.out, "%s: ignored, it lies in no stream's folder\n", printable(key))
	case err == nil && r.Outcome == s3.WasReplaced:
		l.skip(key, errors.New("it was changed or removed meanwhile"))
	case err == nil:
		fmt.Fprintf(l.out, "%s: %s, %v\n", printable(key), r.Outcome, r.Progress.Tally)
	case errors.Is(err, s3.ErrDamaged):
		l.skip(key, fmt.Errorf("%w (--again has it read anew)", err))
	case r.Progress.State == s3.Failed, errors.Is(err, fs.ErrPermission):
		l.skip(key, err)
	default:
		return fmt.Errorf("%s: %w (run it again: it goes on where it stopped)", key, err)
	}
	return ctx.Err()
}

// walkFiles calls do with the key of each file of a folder that is not hidden,
// in the order of their names.
func walkFiles(dir string, do func(key string, entry fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := path != dir && strings.HasPrefix(entry.Name(), "."); entry.IsDir() || hidden {
			if entry.IsDir() && hidden {
				return fs.SkipDir
			}
			return nil
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(key), entry)
	})
}

// oddFile says what a file is that is no object; "" when it is one, or a link to
// one.
func oddFile(path string, entry fs.DirEntry) string {
	kind := entry.Type()
	if kind&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return "a link to nothing"
		case info.IsDir():
			return "a link to a folder"
		}
		kind = info.Mode().Type()
	}
	switch {
	case kind.IsRegular():
		return ""
	case kind&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a socket or a device"
}
