package syntax_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// FuzzParse holds any text against what the tree promises: every node's bytes
// are in those of the node around it, a body's statements follow one another,
// and whatever is asked of the tree is answered.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/py/*.py")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range syntax.Parse(name, text).Body { // small seeds mutate better
			f.Add(text[s.Where().Start:s.Where().End])
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := syntax.Parse("fuzz.py", text)
		inOrder(t, file.Body)
		for _, s := range file.Body {
			within(t, file, s, file.Span)
		}
		for i, e := range file.Errors {
			if e.End > file.End || e.Start > e.End || e.Message == "" || i > 0 && e.Start < file.Errors[i-1].Start {
				t.Fatalf("error %+v in a file of %d bytes", e, file.End)
			}
			file.Position(e.Start)
		}
	})
}

// within checks a node and all in it against the bytes of the node around it.
func within(t *testing.T, file *syntax.File, n syntax.Node, outer syntax.Span) {
	s := n.Where()
	if s.Start > s.End || s.Start < outer.Start || s.End > outer.End {
		t.Fatalf("%T has bytes %v, around it %v, in %q", n, s, outer, file.Text)
	}
	switch n := n.(type) {
	case *syntax.FunctionDef:
		s.Start = 0 // decorators come before
		inOrder(t, n.Body)
	case *syntax.ClassDef:
		s.Start = 0
		inOrder(t, n.Body)
	case *syntax.Bad:
		inOrder(t, n.Body)
	case *syntax.Constant:
		value := ""
		for _, l := range file.Literals(n) {
			for at, text := range file.Pieces(l) {
				if at.Start >= at.End || at.Start < l.Body.Start || at.End > l.Body.End {
					t.Fatalf("piece %v of the literal at %v", at, l.Body)
				}
				value += text
			}
		}
		if got := file.StringValue(n); got != value {
			t.Fatalf("the value is %q, its pieces are %q", got, value)
		}
	}
	syntax.Walk(n, func(part syntax.Node) bool {
		if part == n {
			return true
		}
		within(t, file, part, s)
		return false
	})
}

func inOrder(t *testing.T, body []syntax.Stmt) {
	for i := 1; i < len(body); i++ {
		if body[i].Where().Start < body[i-1].Where().End {
			t.Fatalf("statement at %v follows one at %v", body[i].Where(), body[i-1].Where())
		}
	}
}
