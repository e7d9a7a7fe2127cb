package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

// A table is a stream's table in a database, of whatever kind.
type table interface {
	Follow(consumer string) penstock.Sink
	Positions(ctx context.Context, consumer string) (map[string]uint64, error)
	Close() error
}

// noDatabase is the word for none.
const noDatabase = "none"

// inMemory is SQLite's word for a database that ends with its connection: it
// would take everything, and keep nothing.
const inMemory = ":memory:"

// redacted is the database's name without a password.
func redacted(to string) string {
	if u, err := url.Parse(to); err == nil && u.User != nil {
		return u.Redacted()
	}
	return to
}

// fingerprint tells databases apart in names: short, and the same whoever
// logs in and from whichever folder.
func fingerprint(to string) string {
	if file, ok := strings.CutPrefix(to, "sqlite:"); ok {
		if whole, err := filepath.Abs(file); err == nil {
			to = whole
		}
	} else if u, err := url.Parse(to); err == nil {
		to = u.Host + u.Path
	}
	sum := sha256.Sum256([]byte(to))
	return hex.EncodeToString(sum[:4])
}

// warnUnverified warns where what is sent to a database can be read or answered
// by somebody else on the way.
func warnUnverified(to string, log *slog.Logger) {
	if !strings.HasPrefix(to, "postgres") {
		return
	}
	if host := postgres.Unverified(to); host != "" {
		log.Warn("whoever is between here and the database can pass for it: add sslmode=verify-full to the connection string, and sslrootcert=FILE for an authority of your own", "host", host)
	}
}

// checkDatabase tells whether to names a database, without opening it.
func checkDatabase(to string) error {
	scheme, rest, _ := strings.Cut(to, ":")
	switch scheme {
	case "postgres", "postgresql":
		return nil
	case "sqlite":
		if rest == inMemory {
			return usagef("--to sqlite:%s would be gone at the end: write sqlite:FILE", inMemory)
		}
		if rest != "" {
			return nil
		}
	}
	return usagef("--to names no database: write postgres://USER@HOST/DATABASE or sqlite:FILE")
}

// awaitDatabase asks until the database is not away any more, and returns what
// it then says.
func awaitDatabase[T any](ctx context.Context, log *slog.Logger, ask func() (T, error)) (T, error) {
	return await(ctx, log, "the database", postgres.Away, ask)
}

// await asks until what is asked is not away any more, and returns what it then
// says. It says once, and again now and then, that it waits.
func await[T any](ctx context.Context, log *slog.Logger, whom string, away func(error) bool, ask func() (T, error)) (T, error) {
	const longest = 10 * time.Second
	for attempt, pause := 1, 100*time.Millisecond; ; attempt, pause = attempt+1, min(2*pause, longest) {
		answer, err := ask()
		if err == nil && attempt > 1 {
			log.Info(whom + " is there again")
		}
		if err == nil || ctx.Err() != nil || !away(err) {
			return answer, err
		}
		if attempt == 1 || attempt%10 == 0 {
			log.Error(whom+" is away and is waited for", "err", err, "again_in", pause)
		}
		if ended := sleep(ctx, pause); ended != nil {
			return answer, errors.Join(ended, err)
		}
	}
}

// openTable opens the stream's table in the database that to names, for what
// follows a topic: where the table has a primary key, a later time wins.
func openTable(ctx context.Context, to string, s *stream.Stream, log *slog.Logger) (table, error) {
	mode := penstock.Append
	if len(s.Table.PrimaryKey) > 0 {
		mode = penstock.Upsert
	}
	if file, ok := strings.CutPrefix(to, "sqlite:"); ok {
		t, err := sqlite.Open(ctx, file, sqlite.Options{Stream: s, Mode: mode, Log: log})
		if err != nil {
			return nil, err // not a table that is not nil but holds nil
		}
		return t, nil
	}
	t, err := postgres.Open(ctx, to, postgres.Options{Stream: s, Mode: mode, Connections: 1, Log: log})
	if err != nil {
		return nil, err
	}
	return t, nil
}
