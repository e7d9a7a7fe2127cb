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
)

// The buckets of a local run.
const (
	localBucket  = "local"
	localRejects = "local-rejects"
)

// errLocalTable does not repeat what was given, which may be a server's address
// with a password in it.
var errLocalTable = usagef("--table (PENSTOCK_TABLE) names no table: write sqlite:FILE or dynamodb:NAME")

// local reads every file of a folder, or those that are named, as the function
// reads the objects of a bucket: by the same door, with the same ledger.
func (c *lambdaConfig) local(ctx context.Context, sh shell, keys []string) error {
	if c.bucket == "" {
		return usagef("lambda local needs --bucket FOLDER, and takes KEYs of files in it where not all are to be read")
	}
	switch kind, name, _ := strings.Cut(c.table, ":"); {
	case name == "" || kind != "sqlite" && kind != "dynamodb":
		return errLocalTable
	case kind == "sqlite" && name == inMemory:
		return usagef("--table sqlite:%s would be gone at the end: write sqlite:FILE", inMemory)
	}
	log, err := c.log.logger(sh.stderr)
	if err != nil {
		return err
	}
	bucket, err := c.localPlaces()
	if err != nil {
		return err
	}
	ways, err := c.localRoutes(ctx, sh, log)
	if err != nil {
		return errors.Join(err, ways.shut())
	}
	ledger := &s3.FolderLedger{Dir: c.ledger}
	door, err := s3.New(s3.Options{
		Store:  &s3.Folder{Buckets: map[string]string{localBucket: bucket, localRejects: c.rejects}, Tags: ledger},
		Ledger: ledger,
		Routes: ways.all, Rejects: s3.Place{Bucket: localRejects},
		Formats: map[string]s3.Format{"csv": newCSVCutter},
		Lease:   3 * time.Second, // of a process that was killed; one that runs renews it
		Log:     slog.New(slog.DiscardHandler),
	})
	if err == nil {
		run := localRun{door: door, again: c.again, out: sh.stdout}
		err = run.folder(ctx, bucket, keys)
	}
	return errors.Join(err, ways.shut())
}

// localPlaces finds the folder, and sees to it that nothing that is written lies
// in it, where it would be read.
func (c *lambdaConfig) localPlaces() (bucket string, err error) {
	bucket, err = filepath.Abs(c.bucket) // also of ".", so that what stands beside it is not in it
	if err != nil {
		return "", fmt.Errorf("find the folder %s: %w", c.bucket, err)
	}
	if !isDir(bucket) {
		return "", usagef("there is no folder %s: make it, or give --bucket another", c.bucket)
	}
	if c.rejects == "" {
		c.rejects = bucket + ".rejects"
	}
	if err := c.localLedger(bucket); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(bucket)
	if err != nil {
		return "", err
	}
	_, table, _ := strings.Cut(c.table, "sqlite:")
	for _, place := range []struct{ flag, name string }{{"table", table}, {"rejects", c.rejects}, {"ledger", c.ledger}} {
		if place.name != "" && within(real, place.name) {
			return "", usagef("--%s %s lies in the bucket, where all files are read as objects: give it a place elsewhere", place.flag, place.name)
		}
	}
	return real, nil
}

// within reports whether a file, which may not be there yet, lies in a folder.
func within(dir, file string) bool {
	path, err := filepath.Abs(file)
	if err != nil {
		return false
	}
	rest := ""
	for {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			relative, err := filepath.Rel(dir, filepath.Join(real, rest))
			return err == nil && filepath.IsLocal(relative)
		}
		if path == filepath.Dir(path) {
			return false
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
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
		known, err := (&s3.FolderLedger{Dir: c.ledger}).Tells(from)
		if err != nil {
			return ways, err
		}
		table, err := c.localTable(ctx, sh, sqlite.Options{Stream: s, Known: known && !c.again, Log: log}, ways)
		if err != nil {
			return ways, err
		}
		if err := ways.add(ctx, from, s, enrich.Options{Log: log}, table); err != nil {
			return ways, err
		}
	}
	return ways, nil
}

func (c *lambdaConfig) localTable(ctx context.Context, sh shell, o sqlite.Options, ways *routes) (routeTable, error) {
	kind, name, _ := strings.Cut(c.table, ":")
	s := o.Stream
	switch {
	case kind == "sqlite" && name != "":
		switch {
		case len(s.Table.PrimaryKey) > 0:
			o.Mode = penstock.Upsert
		case c.again:
			return routeTable{}, usagef("--again would put the rows of stream %s into the table twice: give it a primary_key, or read all into a new table", s.Name)
		}
		table, err := sqlite.Open(ctx, name, o)
		if errors.Is(err, sqlite.ErrNoTable) {
			return routeTable{}, fmt.Errorf("%w: the ledger %s tells what is in it: put the table back, or delete that folder and all is read again", err, c.ledger)
		}
		if err != nil {
			return routeTable{}, err
		}
		ways.close = append(ways.close, table.Close)
		return routeTable{table.Chunk, table.ID}, nil
	case kind == "dynamodb" && name != "":
		table, err := dynamo.Open(ctx, awsSettings{sh.getenv}.dynamodb(), dynamo.Options{Stream: s, Table: name, Log: o.Log})
		if err != nil {
			return routeTable{}, err
		}
		return dynamoTable(table), nil
	}
	return routeTable{}, errLocalTable
}
