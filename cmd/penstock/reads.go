package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-io/penstock/auth"
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
	timeout    time.Duration
	proxies    prefixes
	tokens     auth.TokenOptions
}

// prefixes are networks, as a flag.
type prefixes []netip.Prefix

// String is the networks as Set reads them.
func (p *prefixes) String() string {
	var all []string
	for _, prefix := range *p {
		all = append(all, prefix.String())
	}
	return strings.Join(all, ",")
}

// Set reads networks and addresses with commas between them.
func (p *prefixes) Set(text string) error {
	*p = nil
	for word := range strings.SplitSeq(text, ",") {
		one, err := netip.ParsePrefix(word)
		if addr, plain := netip.ParseAddr(word); plain == nil {
			one, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is no network; write 10.0.0.0/8 or an address", word)
		}
		*p = append(*p, one.Masked())
	}
	return nil
}

func (c *readsConfig) define(flags *flag.FlagSet) {
	flags.StringVar(&c.from, "reads-from", "", "`database` that a stream file's reads are answered from: as --to, but with the role that penstock role makes; empty: the one of --to")
	flags.StringVar(&c.cursorKeys, "cursor-keys", "", "`file` of the keys that sign cursors, base64, the newest first, the same on every node; read again on SIGHUP; empty: cursor.keys in the data folder, made at the first start")
	flags.Float64Var(&c.rate, "reads-rate", 50, "reads a second that one key or token may ask for, and half of what one address may")
	flags.DurationVar(&c.timeout, "reads-timeout", 400*time.Millisecond, "how long a page may take, waiting for a connection included, before it is answered 503")
	flags.Var(&c.proxies, "trusted-proxies", "`NETWORK[,…]` of the proxies in front, as 10.0.0.0/8: what they say in X-Forwarded-For is whose rate is counted; empty: nobody is believed")
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
	case c.timeout < 10*time.Millisecond || c.timeout > time.Minute:
		return usagef("--reads-timeout must be from 10ms to 1m")
	case c.from != "" && checkDatabase(c.from) != nil:
		return usagef("--reads-from names no database: write postgres://USER@HOST/DATABASE or sqlite:FILE")
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
	handler    *reads.Handler
	reader     reader
	cursorKeys string // their file
	tokens     *auth.Tokens
	stop       context.CancelFunc // of the tokens' refresh
}

// openReads opens what the reads are answered from, for the house whose door
// and metrics there are already.
func (h *house) openReads(from string) (room *readingRoom, err error) {
	c := h.config.reads
	if c.cursorKeys == "" {
		c.cursorKeys = filepath.Join(h.config.data, "cursor.keys")
		if err := reads.MakeCursorKeys(c.cursorKeys); err != nil {
			return nil, err
		}
	}
	keys, err := reads.LoadCursorKeys(c.cursorKeys)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	room = &readingRoom{cursorKeys: c.cursorKeys, stop: stop}
	defer func() {
		if err != nil {
			room, err = nil, errors.Join(err, room.close())
		}
	}()
	who := &auth.Authenticator{}
	if !h.config.open || h.config.keys != "" { // --open lets anybody send, but lets nobody read what others sent
		who.Keys = h.door.Holder
	}
	if c.tokens.Issuer != "" {
		c.tokens.Log = h.log
		if room.tokens, err = auth.OpenTokens(ctx, c.tokens); err != nil {
			return room, err
		}
		who.Tokens = room.tokens
	}
	if room.reader, err = c.openReader(from, h.log); err != nil {
		return room, err
	}
	room.handler, err = reads.New(reads.Options{
		Auth: who, Keys: keys, Rate: c.rate, Proxies: c.proxies, Metrics: h.metrics, Log: h.log, Audit: h.audit,
	})
	if err != nil {
		return room, err
	}
	h.door.Mount(room.handler)
	return room, nil
}

// openReader opens the database for reading.
func (c *readsConfig) openReader(from string, log *slog.Logger) (reader, error) {
	if file, ok := strings.CutPrefix(from, "sqlite:"); ok {
		r, err := sqlite.OpenReader(file, sqlite.ReaderOptions{Timeout: c.timeout})
		if err != nil {
			return nil, err // not a reader that is not nil but holds nil
		}
		return r, nil
	}
	if c.from == "" { // no role of its own
		log.Warn("reads are answered with the role that writes the tables, so row-level security does not bind it: make one with penstock role, and name it in --reads-from")
	}
	warnUnverified(from, log)
	r, err := postgres.OpenReader(from, postgres.ReaderOptions{Timeout: c.timeout})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// replace serves the reads that the streams declare, with the cursor keys and
// the issuer's keys as they now are in their files. What is broken leaves all
// as it was.
func (r *readingRoom) replace(rules []*stream.Stream) error {
	keys, err := reads.LoadCursorKeys(r.cursorKeys)
	if err != nil {
		return err
	}
	if r.tokens != nil {
		if err := r.tokens.Reload(); err != nil {
			return err
		}
	}
	var tables []reads.Table
	for _, s := range rules {
		tables = append(tables, reads.Table{Stream: s, Rows: r.reader.Rows(s)})
	}
	if err := r.handler.Replace(tables); err != nil {
		return err
	}
	return r.handler.ReplaceKeys(keys)
}

func (r *readingRoom) close() error {
	if r == nil {
		return nil
	}
	r.stop()
	var errs []error
	if r.handler != nil {
		errs = append(errs, r.handler.Close())
	}
	if r.reader != nil {
		errs = append(errs, r.reader.Close())
	}
	return errors.Join(errs...)
}

func defineRole(flags *flag.FlagSet) runner {
	c := &sinkConfig{}
	var role string
	flags.StringVar(&c.stream, "stream", "", "`NAME` of the stream whose table is read")
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
