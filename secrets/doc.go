// Package secrets looks up what must not stand in a configuration: parameters of
// AWS Systems Manager and secrets of AWS Secrets Manager, by references to them.
//
//	store := secrets.New(secrets.Options{Region: "eu-west-1", Credentials: who})
//	defer store.Close()
//	ref, err := secrets.Parse("secretsmanager:penstock/prod/customers#dsn")
//	text, err := store.Get(ctx, ref)     // asked for once, kept for five minutes
//	store.Forget(ref)                    // it was refused: it may have been rotated
//
// A Text never prints what it holds.
package secrets

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// A Text is a secret. Whatever prints it, as text, JSON or in a log, gets three
// stars; string(t) is the secret.
type Text string

const stars = "***"

// Format prints stars for every verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }

// String is stars.
func (Text) String() string { return stars }

// MarshalText gives stars, to encoding/json too.
func (Text) MarshalText() ([]byte, error) { return []byte(stars), nil }

// LogValue is stars.
func (Text) LogValue() slog.Value { return slog.StringValue(stars) }

// Service is who keeps a secret.
type Service string

// The services.
const (
	SSM            Service = "ssm"
	SecretsManager Service = "secretsmanager"
)

// A Reference says where a secret is.
type Reference struct {
	Service Service
	Name    string // of the parameter, with its path, or of the secret
	Field   string // member of the secret's JSON object; "" is the whole text
}

// Parse reads ssm:NAME, secretsmanager:NAME or secretsmanager:NAME#FIELD.
func Parse(text string) (Reference, error) {
	service, name, _ := strings.Cut(text, ":")
	r := Reference{Service: Service(service), Name: name}
	if r.Service == SecretsManager {
		r.Name, r.Field, _ = strings.Cut(name, "#")
	}
	if r.Name == "" || r.Service != SSM && r.Service != SecretsManager || strings.HasSuffix(text, "#") {
		// The text is not shown: it may be the secret itself.
		return Reference{}, fmt.Errorf("it is no reference to a secret; write ssm:PARAMETER, secretsmanager:SECRET or secretsmanager:SECRET#FIELD")
	}
	return r, nil
}

// String is the reference as Parse reads it.
func (r Reference) String() string {
	s := string(r.Service) + ":" + r.Name
	if r.Field != "" {
		s += "#" + r.Field
	}
	return s
}
