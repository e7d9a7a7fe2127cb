// Package auth says who is asking. It is the only maker of a Principal, so code
// that needs one cannot be called for a request that was not authenticated.
//
//	a := &auth.Authenticator{Keys: door.Holder, Tokens: tokens}
//	p, err := a.Principal(request)        // an *auth.Denied is a 401
//	if user, ok := p.As(asked); !ok { … } // 404: not his, or not there
//	rows, err := store.Page(ctx, p, …)    // does not compile without p
package auth

import (
	"net/http"
	"strings"
)

// A Principal is who is asking, as proved by a key or a token. The zero
// Principal is nobody: it may see nothing.
type Principal struct {
	name   string // for logs and rates
	user   string // whose rows are his own; "" for none
	tenant string
	every  bool // may ask for any user's rows
}

// Name is what logs and rate limits call the principal. It is not a secret.
func (p Principal) Name() string { return p.name }

// User is whose rows are the principal's own; "" when he is no user.
func (p Principal) User() string { return p.user }

// Tenant is the tenant whose rows he may see; "" for none.
func (p Principal) Tenant() string { return p.tenant }

// May reports whether the principal may see this user's rows.
func (p Principal) May(user string) bool { return user != "" && (p.every || user == p.user) }

// A Holder is what a keys file says of a key's holder. It proves nothing by
// itself: an Authenticator makes a Principal of it.
type Holder struct {
	Name   string
	User   string // the key is this user's own
	Tenant string
	Every  bool // the key is a service's that may read for any user
}

// Denied is why nobody is told: no credential, or one that proves nothing. Its
// text is for the sender.
type Denied struct{ Detail string }

// Error says why.
func (d *Denied) Error() string { return d.Detail }

// An Authenticator finds out who is asking.
type Authenticator struct {
	// Keys returns the holder of the API key or client certificate that the
	// request carries; the error is a *Denied.
	Keys func(*http.Request) (Holder, error)

	// Tokens verifies JWTs; nil takes none.
	Tokens *Tokens
}

// Principal is who asks. The error is a *Denied.
func (a *Authenticator) Principal(r *http.Request) (Principal, error) {
	if token, ok := bearerToken(r.Header); ok && a.Tokens != nil {
		return a.Tokens.principal(r.Context(), token)
	}
	if a.Keys == nil {
		return Principal{}, &Denied{"send a token as Authorization: Bearer TOKEN"}
	}
	h, err := a.Keys(r)
	if err != nil {
		return Principal{}, err
	}
	return Principal{name: "key:" + h.Name, user: h.User, tenant: h.Tenant, every: h.Every}, nil
}

// bearerToken is the one bearer credential of the request if it has a JWT's
// form; API keys have no dots.
func bearerToken(h http.Header) (string, bool) {
	sent := h["Authorization"]
	if len(sent) != 1 || len(h["X-Api-Key"]) > 0 {
		return "", false
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && strings.Count(token, ".") == 2
}
