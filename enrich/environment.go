package enrich

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// expand puts environment variables in the place of ${NAME}, so that a stream
// file need not hold a password or a host.
func expand(text string) (string, error) {
	var unset []string
	text = reference.ReplaceAllStringFunc(text, func(r string) string {
		name := r[2 : len(r)-1]
		value, ok := os.LookupEnv(name)
		if !ok {
			unset = append(unset, name)
		}
		return value
	})
	if len(unset) > 0 {
		return "", fmt.Errorf("the environment has no %s; set it", strings.Join(unset, " and no "))
	}
	return text, nil
}
