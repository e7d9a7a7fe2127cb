package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// TokenOptions say which JWTs prove something. Issuer, Audience and JWKS are
// required.
type TokenOptions struct {
	Issuer   string // the exact iss
	Audience string // one of aud

	// JWKS is where the issuer's public keys are: an https:// URL, which is
	// read again by itself, or a file, which Reload reads again.
	JWKS string

	// UserClaim and TenantClaim name the claims with the user and the tenant;
	// "" means sub and none. EveryScope is the word in scope that lets a
	// service read for any user; "" lets nobody.
	UserClaim, TenantClaim, EveryScope string

	Log *slog.Logger // told when the keys cannot be read; nil means slog.Default
}

// methods are the signatures that are taken: public keys only. With a shared
// secret among them, a public key could be taken for one.
var methods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

const (
	tokenBytesMax = 8 << 10
	clockSkew     = 30 * time.Second
)

// Tokens verifies JWTs: signature by one of the issuer's keys, issuer, audience,
// and that they have an end which has not come.
type Tokens struct {
	o      TokenOptions
	keys   atomic.Pointer[keyfunc.Keyfunc]
	parser *jwt.Parser
}

// OpenTokens reads the issuer's keys. Those of a URL are refreshed until ctx
// ends, hourly and, at most every five minutes, when a token names a key that
// is not known.
func OpenTokens(ctx context.Context, o TokenOptions) (*Tokens, error) {
	if o.Issuer == "" || o.Audience == "" || o.JWKS == "" {
		return nil, errors.New("tokens need an issuer, an audience and the issuer's keys (JWKS): without one of them a token for somebody else would be taken")
	}
	if o.UserClaim == "" {
		o.UserClaim = "sub"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	t := &Tokens{o: o, parser: jwt.NewParser(
		jwt.WithValidMethods(methods), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew), jwt.WithStrictDecoding())}
	switch {
	case !strings.Contains(o.JWKS, "://"):
		if err := t.Reload(); err != nil {
			return nil, err
		}
		return t, nil
	case !strings.HasPrefix(o.JWKS, "https://"):
		return nil, fmt.Errorf("the issuer's keys are at %s: only https:// is safe, or a file", o.JWKS)
	}
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{o.JWKS}, keyfunc.Override{
		Client: &http.Client{Timeout: 10 * time.Second}, RefreshInterval: time.Hour,
		RateLimitWaitMax: time.Millisecond, // a made-up key id must not hold a request up
		RefreshErrorHandlerFunc: func(url string) func(context.Context, error) {
			return func(_ context.Context, err error) { o.Log.Error("read the issuer's keys", "jwks", url, "err", err) }
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read the issuer's keys from %s: %w", o.JWKS, err)
	}
	t.keys.Store(&keys)
	return t, nil
}

// Reload reads the issuer's keys again where they are in a file; when that is
// broken the old ones stay.
func (t *Tokens) Reload() error {
	if strings.Contains(t.o.JWKS, "://") {
		return nil
	}
	text, err := os.ReadFile(t.o.JWKS)
	if err != nil {
		return fmt.Errorf("read the issuer's keys: %w", err)
	}
	keys, err := keyfunc.NewJWKSetJSON(text)
	if err != nil {
		return fmt.Errorf("read the issuer's keys from %s: %w", t.o.JWKS, err)
	}
	t.keys.Store(&keys)
	return nil
}

// principal is whom the token names.
func (t *Tokens) principal(ctx context.Context, token string) (Principal, error) {
	// One text for every cause: what exactly is wrong helps only who forges.
	denied := &Denied{"the token proves nothing here: it is forged, has ended, or is for somebody else"}
	if len(token) > tokenBytesMax {
		return Principal{}, denied
	}
	claims := jwt.MapClaims{}
	if _, err := t.parser.ParseWithClaims(token, claims, (*t.keys.Load()).KeyfuncCtx(ctx)); err != nil {
		return Principal{}, denied
	}
	user, _ := claims[t.o.UserClaim].(string)
	p := Principal{name: "token:" + user, user: user}
	if t.o.TenantClaim != "" {
		p.tenant, _ = claims[t.o.TenantClaim].(string)
	}
	if scope, _ := claims["scope"].(string); t.o.EveryScope != "" {
		for word := range strings.FieldsSeq(scope) {
			p.every = p.every || word == t.o.EveryScope
		}
	}
	if user == "" && !p.every {
		return Principal{}, denied
	}
	return p, nil
}
