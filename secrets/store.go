package secrets

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/penstock-io/penstock/ttlcache"
)

// Options say who is asked for secrets, and how long they are kept.
type Options struct {
	Region      string
	Credentials aws.CredentialsProvider

	// Endpoints are where services are when they are not Amazon's own.
	Endpoints map[Service]string

	HTTPClient aws.HTTPClient // nil means http.DefaultClient

	// TTL is how long a secret is kept; 0 means 5 minutes. When its service does
	// not answer, a secret is good for another hour.
	TTL time.Duration
}

// The habits of a Store.
const (
	ttlDefault  = 5 * time.Minute
	staleFor    = time.Hour
	answerIn    = 5 * time.Second
	secretsMost = 1000
)

// A Store looks secrets up when they are first asked for. Its methods may be
// called from many goroutines, which wait for one answer together.
type Store struct {
	o     Options
	texts *ttlcache.Cache[Reference, Text] // by references without a field
}

// New returns an empty Store. The caller closes it.
func New(o Options) *Store {
	if o.TTL <= 0 {
		o.TTL = ttlDefault
	}
	if o.HTTPClient == nil {
		o.HTTPClient = http.DefaultClient
	}
	s := &Store{o: o}
	s.texts = ttlcache.New(ttlcache.Options[Reference, Text]{
		MaxEntries: secretsMost, DefaultTTL: o.TTL, StaleIfError: staleFor, LoadTimeout: answerIn, Jitter: 0.1,
		Loader: s.load,
	})
	return s
}

// Get returns a secret.
func (s *Store) Get(ctx context.Context, r Reference) (Text, error) {
	whole := r
	whole.Field = ""
	text, err := s.texts.Load(ctx, whole)
	if err != nil {
		return "", fmt.Errorf("look up the secret %v: %w", r, err)
	}
	if r.Field == "" {
		return text, nil
	}
	var members map[string]json.RawMessage
	var field *string
	if json.Unmarshal([]byte(text), &members) != nil || json.Unmarshal(members[r.Field], &field) != nil || field == nil {
		return "", fmt.Errorf("the secret %v is no JSON object with a text of that name", r)
	}
	return Text(*field), nil
}

// Forget has the next Get ask again: what r gave was refused, so it may have
// been rotated.
func (s *Store) Forget(r Reference) {
	r.Field = ""
	s.texts.Delete(r)
}

// Close ends what is being looked up.
func (s *Store) Close() error { return s.texts.Close() }
