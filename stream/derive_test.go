package stream

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// compile compiles s with the derive section given as YAML.
func compile(t testing.TB, s *Stream, derive string) {
	t.Helper()
	if err := tryCompile(s, derive); err != nil {
		t.Fatal(err)
	}
}

func tryCompile(s *Stream, derive string) error {
	if derive != "" {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(derive), &doc); err != nil {
			return err
		}
		if err := s.compileDerive(doc.Content[0]); err != nil {
			return err
		}
	}
	return s.compileCodec()
}
