package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/penstock-io/penstock/auth"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/reads"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

// readsConfig is what serve is told of reading.
type readsConfig struct {
	from       string
	cursorKeys string
	rate       float64
	tokens     auth.TokenOptions
}

func (c *readsConfig) define(flags *flag.FlagSet) {
	flags.StringVar(&c.from, "reads-from", "", "`database` that a stream file's reads are answered from: as --to, but with the role that penstock role makes; empty: the one of --to")
	flags.StringVar(&c.cursorKeys, "cursor-keys", "", "`file` of the keys that sign cursors, base64, the newest first, the same on every node; empty: cursor.keys in the data folder, made at the first start")
	flags.Float64Var(&c.rate, "reads-rate", 50, "reads a second that one key or token may ask for")
	flags.StringVar(&c.tokens.Issuer, "jwt-issuer", "", "take JWTs of this issuer (iss) for reading, beside API keys; needs --jwt-audience and --jwt-jwks")
	flags.StringVar(&c.tokens.Audience, "jwt-audience", "", "what a JWT must be for (aud)")
	flags.StringVar(&c.tokens.JWKS, "jwt-jwks", "", "https:// `URL or file` of the issuer's public keys")
	flags.StringVar(&c.tokens.UserClaim, "jwt-user-claim", "sub", "the claim that names the user")
	flags.StringVar(&c.tokens.TenantClaim, "jwt-tenant-claim", "", "the claim that names the tenant, where reads have one")
	flags.StringVar(&c.tokens.EveryScope, "jwt-every-scope", "", "the word in scope that lets a service read for any user; empty: nobody")
}

func (c *readsConfig) check() error {
	given := 0
	for _, s := range []string{c.tokens.Issuer, c.tokens.Audience, c.tokens.JWKS} {
		if s != "" {
			given++
		}
	}
	switch {
	case given != 0 && given != 3:
		return usagef("--jwt-issuer, --jwt-audience and --jwt-jwks go together")
	case !(c.rate > 0):
		return usagef("--reads-rate must be more than 0")
	case c.from != "":
		return checkDatabase(c.from)
	}
	return nil
}

// A reader is where pages come from, of whatever kind of database.
type reader interface {
	Rows(*stream.Stream) stream.Rows
	io.Closer
}

// A readingRoom is what serve keeps open for reading.
type readingRoom struct {
	handler *reads.Handler
	reader  reader
	stop    context.CancelFunc // of the tokens' refresh
}

// openReads opens what the reads are answered from.
func openReads(c readsConfig, from, data string, door *ingest.Handler, open bool, log *slog.Logger) (*readingRoom, error) {
	if c.cursorKeys == "" {
		c.cursorKeys = filepath.Join(data, "cursor.keys")
	}
	keys, err := reads.LoadCursorKeys(c.cursorKeys)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	room := &readingRoom{stop: stop}
	who := &auth.Authenticator{}
	if !open { // --open lets anybody send, but lets nobody read what others sent
		who.Keys = door.Holder
	}
	if c.tokens.Issuer != "" {
		c.tokens.Log = log
		if who.Tokens, err = auth.OpenTokens(ctx, c.tokens); err != nil {
			stop()
			return nil, err
		}
	}
	if file, ok := strings.CutPrefix(from, "sqlite:"); ok {
		room.reader, err = sqlite.OpenReader(file)
	} else {
		if c.from == "" {
			log.Warn("reads are answered with the role that writes the tables, so row-level security does not bind it: make one with penstock role, and name it in --reads-from")
		}
		room.reader, err = postgres.OpenReader(from, postgres.ReaderOptions{})
	}
	if err != nil {
		stop()
		return nil, err
	}
	room.handler, err = reads.New(reads.Options{Auth: who, Keys: keys, Rate: c.rate, Log: log, Audit: log.With("audit", true)})
	if err != nil {
		return nil, errors.Join(err, room.close())
	}
	door.Mount(room.handler)
	return room, nil
}

// replace serves the reads that the streams declare.
func (r *readingRoom) replace(rules []*stream.Stream) error {
	var tables []reads.Table
	for _, s := range rules {
		tables = append(tables, reads.Table{Stream: s, Rows: r.reader.Rows(s)})
	}
	return r.handler.Replace(tables)
}

func (r *readingRoom) close() error {
	if r == nil {
		return nil
	}
	r.stop()
	var err error
	if r.handler != nil {
		err = r.handler.Close()
	}
	return errors.Join(err, r.reader.Close())
}

func defineRole(flags *flag.FlagSet) runner {
	c := &sinkConfig{}
	var role string
	flags.StringVar(&c.stream, "stream", "", "`name` of the stream whose table is read")
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example that serve writes, in penstock-data/streams")
	flags.StringVar(&role, "role", "penstock_reads", "`name` of the role")
	return func(_ context.Context, sh shell, args []string) error {
		if len(args) > 0 {
			return usagef("role takes no arguments, but got %q", args)
		}
		s, err := c.rules()
		if err != nil {
			return err
		}
		text, err := postgres.RoleSQL(s, role)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(sh.stdout, text)
		return err
	}
}
