package enrich

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A Secret is the value of a ${NAME} that is not in the environment but is looked
// up when it is needed, and again when it was refused.
type Secret struct {
	Value  func(ctx context.Context) (string, error) // asked for at each use: it should remember
	Forget func()                                    // the value was refused: it may have been rotated
}

var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// A template is a text with ${NAME} in it, so that a stream file need not hold a
// password or a host. The environment's variables are in it already.
type template struct {
	text    string
	secrets map[string]Secret // those that the text names
}

// newTemplate puts the environment's variables in. A name that is a secret's is
// left for expand.
func newTemplate(text string, secrets map[string]Secret) (template, error) {
	t := template{secrets: map[string]Secret{}}
	var unset []string
	t.text = reference.ReplaceAllStringFunc(text, func(r string) string {
		name := r[2 : len(r)-1]
		if secret, is := secrets[name]; is {
			t.secrets[name] = secret
			return r
		}
		value, ok := os.LookupEnv(name)
		if !ok {
			unset = append(unset, name)
		}
		return value
	})
	if len(unset) > 0 {
		return t, fmt.Errorf("the environment has no %s; set it", strings.Join(unset, " and no "))
	}
	return t, nil
}

// secret reports whether the text is only known with its secrets.
func (t template) secret() bool { return len(t.secrets) > 0 }

// expand puts the secrets in.
func (t template) expand(ctx context.Context) (string, error) {
	var failed error
	text := reference.ReplaceAllStringFunc(t.text, func(r string) string {
		secret, is := t.secrets[r[2:len(r)-1]]
		if !is {
			return r // the environment put it in
		}
		value, err := secret.Value(ctx)
		if err != nil {
			failed = fmt.Errorf("%s: %w", r, err)
		}
		return value
	})
	return text, failed
}

// forget has the next expand look the secrets up again.
func (t template) forget() {
	for _, secret := range t.secrets {
		secret.Forget()
	}
}
