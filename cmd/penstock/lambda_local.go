package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/dynamo"
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
	bucket := filepath.Clean(c.bucket)
	if c.rejects == "" {
		c.rejects = bucket + ".rejects"
	}
	if c.ledger == "" {
		c.ledger = bucket + ".ledger"
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

// localRoutes opens a table for each stream. A single stream takes all files;
// of several, each takes the folder of its name.
func (c *lambdaConfig) localRoutes(ctx context.Context, sh shell, log *slog.Logger) (*routes, error) {
	ways := &routes{}
	streams, err := loadStreams(c.streams)
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
		if err := ways.add(from, s, log, table); err != nil {
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
// of it.
func processFolder(ctx context.Context, sh shell, door *s3.Door, dir string) error {
	var total, whole penstock.Tally
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
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
		r, err := door.Process(ctx, s3.Notice{Object: s3.Object{Bucket: localBucket, Key: filepath.ToSlash(key)}, Size: -1, Action: s3.Created})
		total, whole = total.Add(r.Tally), whole.Add(r.Progress.Tally)
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.stdout, "%s: %s, %v\n", filepath.ToSlash(key), r.Outcome, r.Progress.Tally)
		return nil
	})
	fmt.Fprintln(sh.stdout, total)
	switch {
	case err != nil:
		return fmt.Errorf("%w (run it again: it goes on where it stopped)", err)
	case whole.Rejected > 0:
		return errFindings
	}
	return nil
}
