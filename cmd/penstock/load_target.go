package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

// A loadTarget is a stream's table with the ledger of what has been loaded.
type loadTarget interface {
	Source(ctx context.Context, job, source, fingerprint string) error
	Done(ctx context.Context, job string) ([]penstock.Chunk, error)
	Claim(ctx context.Context, c penstock.Chunk) (penstock.ChunkState, error)
	Chunk(c penstock.Chunk) penstock.Sink
	Finish(ctx context.Context) (penstock.Finished, error)
	Loader() string // what the ledger calls it
	Close() error
}

// openTarget opens what --to names. inOrder says that its chunks are to come
// one after the other.
func (c *loadConfig) openTarget(ctx context.Context, s *stream.Stream, mode penstock.TableMode, job string, log *slog.Logger) (t loadTarget, inOrder bool, err error) {
	scheme, rest, _ := strings.Cut(c.to, ":")
	if scheme == "kafka" {
		t, err := c.openKafka(strings.TrimPrefix(rest, "//"), s, mode, log)
		return t, true, err
	}
	switch scheme {
	case "postgres", "postgresql":
		t, err := postgres.Open(ctx, c.to, postgres.Options{Stream: s, Mode: mode, Job: job, Connections: c.connections, Log: log})
		if err != nil {
			return nil, false, err
		}
		return t, false, nil
	case "sqlite":
		t, err := sqlite.Open(ctx, rest, sqlite.Options{Stream: s, Mode: mode, Job: job, Log: log})
		if err != nil {
			return nil, false, err
		}
		return t, true, nil
	}
	return nil, false, usagef("--to %q: write postgres://USER@HOST/DATABASE, sqlite:FILE or kafka://HOST:PORT", scheme+":…")
}
