package ingest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/time/rate"

	"github.com/penstock-io/penstock/auth"
)

// Keys are the API keys that may send, with the streams each may use and how
// fast. They never hold a secret, only its SHA-256: the secrets are 256 random
// bits (see NewKey), so a slow password hash would add nothing. Keys never
// change; a changed file makes new Keys for Handler.Replace.
type Keys struct {
	named  []*Key
	hashed map[[8]byte]*Key  // by the first bytes of the secret's SHA-256
	certs  map[[32]byte]*Key // by the SHA-256 of a client certificate
}

// A Key is one sender's right to send.
type Key struct {
	Name    string
	Streams []string // names of streams, or "*" for all of them

	// What the holder may read: his own rows as User, of his Tenant where
	// there are tenants, or for any user, as a service.
	User, Tenant string
	EveryUser    bool

	// Rate is events a second, 0 for no limit; Burst is how many may come at
	// once, by default one second's worth.
	Rate  float64
	Burst int

	hash    [32]byte
	hasHash bool
	cert    [32]byte
	hasCert bool
	limiter *rate.Limiter // nil without a limit
}

// everyStream in Key.Streams stands for all of them.
const everyStream = "*"

// secretPrefix makes leaked keys easy to find by scanners.
const secretPrefix = "penstock_"

// NewKey makes a new secret for a sender, and the hash of it that goes into
// the keys file. The secret is shown once and kept nowhere.
func NewKey() (secret, hash string) {
	var b [32]byte
	rand.Read(b[:])
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return secret, HashKey(secret)
}

// HashKey is the hash of a secret as the keys file wants it. The secret must
// be random, of at least 128 bits: a guessable one can be found from its hash.
func HashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:])
}

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// May reports whether the key's holder may use the stream. It says nothing of
// whether the stream exists.
func (k *Key) May(stream string) bool {
	for _, s := range k.Streams {
		if s == everyStream || s == stream {
			return true
		}
	}
	return false
}

// add checks that nothing of k is taken.
func (ks *Keys) add(k *Key) error {
	for _, other := range ks.named {
		if other.Name == k.Name {
			return fmt.Errorf("key %q is there twice: give each key its own name", k.Name)
		}
	}
	if k.hasHash {
		prefix := [8]byte(k.hash[:8])
		if other := ks.hashed[prefix]; other != nil {
			return fmt.Errorf("keys %q and %q have the same hash: make a new secret for one of them", other.Name, k.Name)
		}
		ks.hashed[prefix] = k
	}
	if k.hasCert {
		if other := ks.certs[k.cert]; other != nil {
			return fmt.Errorf("keys %q and %q have the same certificate: name it once", other.Name, k.Name)
		}
		ks.certs[k.cert] = k
	}
	if k.Rate > 0 {
		if k.Burst == 0 {
			k.Burst = max(1, int(k.Rate))
		}
		k.limiter = rate.NewLimiter(rate.Limit(k.Rate), k.Burst)
	}
	ks.named = append(ks.named, k)
	return nil
}

// inherit takes over the limiters of keys that did not change, so that a
// reload gives nobody a fresh burst.
func (ks *Keys) inherit(old *Keys) {
	if ks == nil || old == nil {
		return
	}
	for _, k := range ks.named {
		for _, was := range old.named {
			if was.Name == k.Name && was.Rate == k.Rate && was.Burst == k.Burst {
				k.limiter = was.limiter
			}
		}
	}
}

// Holder is what the keys file says of the holder of the request's key. Without
// keys, on a server for this machine only, everybody may read for any user, as
// everybody may send. The error is an *auth.Denied.
func (h *Handler) Holder(r *http.Request) (auth.Holder, error) {
	keys := h.served.Load().keys
	if keys == nil {
		return auth.Holder{Name: "anybody", Every: true}, nil
	}
	k, p := keys.holder(r)
	if p != nil {
		return auth.Holder{}, &auth.Denied{Detail: p.detail}
	}
	return auth.Holder{Name: k.Name, User: k.User, Tenant: k.Tenant, Every: k.EveryUser}, nil
}

const secretMax = 512 // bytes

// holder finds whose request this is. Without Keys everybody is the same
// nameless sender, and the key is nil.
func (ks *Keys) holder(r *http.Request) (*Key, *problem) {
	if ks == nil {
		return nil, nil
	}
	secret, err := presentedSecret(r.Header)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		if k := ks.certified(r); k != nil {
			return k, nil
		}
		return nil, unauthenticated("send the key as Authorization: Bearer KEY or as X-API-Key: KEY")
	}
	var room [secretMax]byte
	sum := sha256.Sum256(append(room[:0], secret...))
	// The map tells an attacker by its timing at most whether some key's hash
	// begins with the bytes that his own guess hashed to; the comparison
	// itself takes the same time for every guess.
	k := ks.hashed[[8]byte(sum[:8])]
	if k == nil || subtle.ConstantTimeCompare(k.hash[:], sum[:]) != 1 {
		return nil, unauthenticated("the key is not known; ask who runs this server for one")
	}
	return k, nil
}

// certified finds the key of a client certificate that TLS has verified.
func (ks *Keys) certified(r *http.Request) *Key {
	if len(ks.certs) == 0 || r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return ks.certs[sha256.Sum256(r.TLS.PeerCertificates[0].Raw)]
}

func presentedSecret(h http.Header) (string, *problem) {
	bearers, keys := h["Authorization"], h["X-Api-Key"]
	if len(bearers)+len(keys) > 1 {
		return "", unauthenticated("send one key, once")
	}
	secret := ""
	switch {
	case len(keys) == 1:
		secret = keys[0]
	case len(bearers) == 1:
		scheme, rest, _ := strings.Cut(bearers[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", unauthenticated("the only scheme is Bearer: send Authorization: Bearer KEY")
		}
		secret = strings.TrimSpace(rest)
	}
	if len(secret) > secretMax {
		return "", unauthenticated("that is too long for a key")
	}
	return secret, nil
}
