package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/s3"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

// The buckets of a local run.
const (
	localBucket  = "local"
	localRejects = "local-rejects"
)

// local reads every file of a folder as the function reads the objects of a
// bucket: by the same door, with the same ledger.
func (c *lambdaConfig) local(ctx context.Context, sh shell, args []string) error {
	if len(args) > 0 || c.bucket == "" {
		return usagef("lambda local needs --bucket FOLDER, and no arguments")
	}
	log, err := c.log.logger(sh.stderr)
	if err != nil {
		return err
	}
	bucket, err := filepath.Abs(c.bucket) // also of ".", so that what stands beside it is not in it
	if err != nil {
		return fmt.Errorf("find the folder %s: %w", c.bucket, err)
	}
	if !isDir(bucket) {
		return usagef("there is no folder %s: make it, or give --bucket another", c.bucket)
	}
	if c.rejects == "" {
		c.rejects = bucket + ".rejects"
	}
	if err := c.localLedger(bucket); err != nil {
		return err
	}
	ways, err := c.localRoutes(ctx, sh, log)
	if err != nil {
		return errors.Join(err, ways.shut())
	}
	door, err := s3.New(s3.Options{
		Store:  s3.Folder{Buckets: map[string]string{localBucket: bucket, localRejects: c.rejects}},
		Ledger: &s3.FolderLedger{Dir: c.ledger},
		Routes: ways.all, Rejects: s3.Place{Bucket: localRejects},
		Formats: map[string]s3.Format{"csv": newCSVCutter},
		Lease:   3 * time.Second, // there is one process, and it is this
		Log:     slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = processFolder(ctx, sh, door, bucket)
	}
	return errors.Join(err, ways.shut())
}

// localLedger settles the folder of the ledger: one for each bucket and table,
// since what is in one table is not in another.
func (c *lambdaConfig) localLedger(bucket string) error {
	kind, name, _ := strings.Cut(c.table, ":")
	gone := false
	if kind == "sqlite" {
		var err error
		if name, err = filepath.Abs(name); err != nil {
			return fmt.Errorf("find the file of --table %s: %w", c.table, err)
		}
		_, err = os.Stat(name)
		gone = errors.Is(err, fs.ErrNotExist)
	}
	if c.ledger == "" {
		sum := sha256.Sum256([]byte(kind + ":" + name)) // the whole name may be too long for a file's
		c.ledger = filepath.Join(bucket+".ledger", filepath.Base(name)+"-"+hex.EncodeToString(sum[:8]))
	}
	if entries, err := os.ReadDir(c.ledger); gone && err == nil && len(entries) > 0 {
		return fmt.Errorf("the ledger %s tells of a table in %s, and there is no such file: put it back, or delete that folder and all is read again", c.ledger, name)
	}
	return nil
}

// localRoutes opens a table for each stream. A single stream takes all files;
// of several, each takes the folder of its name.
func (c *lambdaConfig) localRoutes(ctx context.Context, sh shell, log *slog.Logger) (*routes, error) {
	ways := &routes{}
	streams, err := ways.load(c.streams)
	if err != nil {
		return ways, err
	}
	for _, s := range streams {
		from := s3.Place{Bucket: localBucket}
		if len(streams) > 1 {
			from.Prefix = s.Name + "/"
		}
		table, err := c.localTable(ctx, sh, s, log, ways)
		if err != nil {
			return ways, err
		}
		if err := ways.add(from, s, enrich.Options{Log: log}, table); err != nil {
			return ways, err
		}
	}
	return ways, nil
}

func (c *lambdaConfig) localTable(ctx context.Context, sh shell, s *stream.Stream, log *slog.Logger, ways *routes) (func(penstock.Chunk) penstock.Sink, error) {
	kind, name, _ := strings.Cut(c.table, ":")
	switch {
	case kind == "sqlite" && name != "":
		mode := penstock.Append
		if len(s.Table.PrimaryKey) > 0 {
			mode = penstock.Upsert
		}
		table, err := sqlite.Open(ctx, name, sqlite.Options{Stream: s, Mode: mode, Log: log})
		if err != nil {
			return nil, err
		}
		ways.close = append(ways.close, table.Close)
		return table.Chunk, nil
	case kind == "dynamodb" && name != "":
		table, err := dynamo.Open(ctx, awsSettings{sh.getenv}.dynamodb(), dynamo.Options{Stream: s, Table: name, Log: log})
		if err != nil {
			return nil, err
		}
		return func(penstock.Chunk) penstock.Sink { return table }, nil
	}
	return nil, usagef("--table %q: write sqlite:FILE or dynamodb:NAME", c.table)
}

// processFolder gives the door a notice for each file, and prints what became
// of it. One that cannot be read keeps none behind it from being read.
func processFolder(ctx context.Context, sh shell, door *s3.Door, dir string) error {
	var total, whole penstock.Tally
	failed := 0
	err := walkObjects(dir, func(key string) error {
		r, err := door.Process(ctx, s3.Notice{Object: s3.Object{Bucket: localBucket, Key: key}, Size: -1, Action: s3.Created})
		total, whole = total.Add(r.Tally), whole.Add(r.Progress.Tally)
		switch {
		case err != nil && r.Progress.State == s3.Failed:
			failed++
			fmt.Fprintf(sh.stdout, "%s: failed, %v\n", key, err)
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w (run it again: it goes on where it stopped)", key, err)
		}
		fmt.Fprintf(sh.stdout, "%s: %s, %v\n", key, r.Outcome, r.Progress.Tally)
		return ctx.Err()
	})
	fmt.Fprintln(sh.stdout, total)
	switch {
	case err != nil:
		return err
	case failed == 1:
		return errors.New("1 object was given up: mend it, and run it again")
	case failed > 1:
		return fmt.Errorf("%d objects were given up: mend them, and run it again", failed)
	case whole.Rejected > 0:
		return errFindings
	}
	return nil
}

// walkObjects calls do with the key of each file of a folder that is not hidden.
func walkObjects(dir string, do func(key string) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(entry.Name(), "."); entry.IsDir() || hidden {
			if entry.IsDir() && hidden && path != dir {
				return fs.SkipDir
			}
			return nil
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(key))
	})
}
