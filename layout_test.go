package penstock_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLayout walks the module and fails on what the house does not allow: see
// "the rooms" in ARCHITECTURE.md.
func TestLayout(t *testing.T) {
	findings, err := inspect(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

const module = "github.com/penstock-io/penstock"

// The kinds of rooms. What is in none of them, as cmd, may import any room.
var (
	freestanding = []string{"", "ttlcache", "stats", "lockorder"} // standard library only
	adapters     = []string{"ingest", "journal", "kafka", "enrich", "csvfile", "s3", "postgres", "sqlite", "dynamo", "reads", "check"}
	shared       = []string{"", "stream", "ttlcache", "stats", "auth"}                   // what adapters may share
	testOnly     = []string{"internal/faults", "internal/sinktest", "internal/realtest"} // never in the program
	wiring       = []string{"cmd"}                                                       // puts rooms together
)

const (
	linesMax = 500 // of a file that is no test
	depthMax = 3   // folders below the root
)

var (
	emptyNames = regexp.MustCompile(`^(utils?|commons?|helpers?|misc|types|base|impl|managers?)$`)
	unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
)

// A source is one parsed Go file of the module.
type source struct {
	path    string // slash-separated, from the root
	dir     string // its folder; "" is the root
	text    []byte
	fset    *token.FileSet
	file    *ast.File
	imports map[string]token.Pos
}

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// external reports whether it is a test from outside its package.
func (s *source) external() bool { return s.test() && strings.HasSuffix(s.file.Name.Name, "_test") }

// finding says where, what is wrong, and what to do.
func (s *source) finding(at token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(at).Line, fmt.Sprintf(format, args...))
}

// inspect returns the findings on all Go files below the root of a module.
func inspect(root fs.FS) ([]string, error) {
	var findings []string
	documented := map[string]bool{} // folders whose package comment was seen
	folders := map[string]*source{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return visit(root, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		s, err := parse(root, name)
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s: does not parse: %v", name, err))
			return nil
		}
		for _, rule := range []func(*source) []string{imports, shape, names, sleeps, comments, docs} {
			findings = append(findings, rule(s)...)
		}
		if !s.test() {
			folders[s.dir] = s
			documented[s.dir] = documented[s.dir] || s.file.Doc != nil
		}
		return nil
	})
	for dir, s := range folders {
		if !documented[dir] {
			findings = append(findings, s.finding(s.file.Package, "package %s has no package comment: open one with what it is for", s.file.Name.Name))
		}
	}
	slices.Sort(findings)
	return findings, err
}

// visit skips folders that are no part of the module.
func visit(root fs.FS, name string) error {
	base := path.Base(name)
	if name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil && name != "." {
		return fs.SkipDir
	}
	return nil
}

func parse(root fs.FS, name string) (*source, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	s := &source{path: name, text: text, fset: token.NewFileSet(), imports: map[string]token.Pos{}}
	if s.dir = path.Dir(name); s.dir == "." {
		s.dir = ""
	}
	if s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments); err != nil {
		return nil, err
	}
	for _, spec := range s.file.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		s.imports[to] = spec.Pos()
	}
	return s, nil
}

// room is the room that a folder of the module belongs to.
func room(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if parts[0] == "internal" && len(parts) > 1 {
		return "internal/" + parts[1]
	}
	return parts[0]
}

// inside returns the folder that an import path names in this module.
func inside(to string) (dir string, ok bool) {
	if to == module {
		return "", true
	}
	return strings.CutPrefix(to, module+"/")
}

// imports: arrows run one way, cmd to adapters to stream to root.
func imports(s *source) []string {
	var found []string
	from := room(s.dir)
	rooms := map[string]bool{}
	for to, at := range s.imports {
		dir, ours := inside(to)
		if !ours {
			if slices.Contains(freestanding, from) && !s.test() && strings.Contains(strings.Split(to, "/")[0], ".") {
				found = append(found, s.finding(at, "imports %s, but package %s uses the standard library only: move what needs it to an adapter", to, s.file.Name.Name))
			}
			continue
		}
		if why := forbidden(s, from, room(dir)); why != "" {
			found = append(found, s.finding(at, "%s imports %s: %s", s.path, to, why))
		}
		if slices.Contains(adapters, room(dir)) && room(dir) != from {
			rooms[room(dir)] = true
		}
	}
	if len(rooms) > 1 && !s.test() && !slices.Contains(wiring, from) && !slices.Contains(testOnly, from) {
		found = append(found, s.finding(s.file.Package, "puts several rooms together: only cmd does that, move the wiring there"))
	}
	return found
}

// forbidden says why code of one room may not import another; "" if it may.
func forbidden(s *source, from, to string) string {
	if from == to || s.external() {
		return ""
	}
	switch {
	case slices.Contains(testOnly, to) && !s.test() && !slices.Contains(testOnly, from):
		return "it is for tests only, use it from a _test.go file"
	case to == "internal/orders" && !s.test() && !slices.Contains(wiring, from):
		return "only cmd and tests use it, pass in what is needed"
	case to == "cmd":
		return "nothing imports cmd, move what is shared to a room"
	case slices.Contains(freestanding, from) && !(s.test() && slices.Contains(testOnly, to)):
		return "this package stands alone, turn the arrow round"
	case from == "stream" && slices.Contains(adapters, to):
		return "adapters import stream, never the reverse: declare here what the adapter is to do"
	case slices.Contains(adapters, from) && !slices.Contains(shared, to) && !s.test():
		return "adapters share only the root, stream, ttlcache and stats: declare a small interface here and let cmd wire it"
	case slices.Contains(adapters, from) && slices.Contains(adapters, to):
		return "adapters never import one another: use an external _test package for a test of both"
	}
	return ""
}

// shape: small files, shallow folders.
func shape(s *source) []string {
	var found []string
	if lines := bytes.Count(s.text, []byte("\n")); lines > linesMax && !s.test() {
		found = append(found, s.finding(s.file.Package, "%d lines, %d are allowed: a file is one noun, make it two", lines, linesMax))
	}
	if depth := strings.Count(s.path, "/"); depth > depthMax {
		found = append(found, s.finding(s.file.Package, "%d folders deep, %d are allowed: move it up", depth, depthMax))
	}
	return found
}

// names: a package is named for what it provides.
func names(s *source) []string {
	name := strings.TrimSuffix(s.file.Name.Name, "_test")
	if emptyNames.MatchString(name) || emptyNames.MatchString(path.Base(s.dir)) {
		return []string{s.finding(s.file.Name.Pos(), "package %s in %s says nothing: name it with a noun for what it provides", name, s.dir)}
	}
	return nil
}

// sleeps: tests wait for conditions, or sleep in a synctest bubble.
func sleeps(s *source) []string {
	_, bubble := s.imports["testing/synctest"]
	_, clock := s.imports["time"]
	if !s.test() || bubble || !clock {
		return nil
	}
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok || call.Sel.Name != "Sleep" {
			return true
		}
		if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" {
			found = append(found, s.finding(n.Pos(), "time.Sleep in a test: use testing/synctest, or wait on a channel or condition with a deadline"))
		}
		return true
	})
	return found
}

// comments: what is committed is finished.
func comments(s *source) []string {
	var found []string
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if word := unfinished.FindString(c.Text); word != "" {
				found = append(found, s.finding(c.Pos(), "%s in a comment: do it, or open an issue and say what holds today", word))
			}
		}
	}
	return found
}

// docs: every exported name says what it is for.
func docs(s *source) []string {
	if s.test() || s.file.Name.Name == "main" {
		return nil
	}
	var found []string
	miss := func(name *ast.Ident) {
		if name.IsExported() {
			found = append(found, s.finding(name.Pos(), "%s is exported and has no doc comment: say what it is for, with units, limits and errors", name.Name))
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && (d.Recv == nil || exported(d.Recv.List[0].Type)) {
				miss(d.Name)
			}
		case *ast.GenDecl:
			for _, name := range undocumented(d) {
				miss(name)
			}
		}
	}
	return found
}

// undocumented returns the names that neither they nor their group explain.
func undocumented(d *ast.GenDecl) []*ast.Ident {
	var bare []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				bare = append(bare, s.Name)
			}
		case *ast.ValueSpec:
			if s.Doc == nil && s.Comment == nil && d.Doc == nil {
				bare = append(bare, s.Names...)
			}
		}
	}
	return bare
}

// exported reports whether a method's receiver is of an exported type.
func exported(receiver ast.Expr) bool {
	switch r := receiver.(type) {
	case *ast.StarExpr:
		return exported(r.X)
	case *ast.IndexExpr:
		return exported(r.X)
	case *ast.IndexListExpr:
		return exported(r.X)
	case *ast.Ident:
		return r.IsExported()
	}
	return false
}

// TestLayoutRules shows each rule a file that breaks it, and files that do not.
func TestLayoutRules(t *testing.T) {
	const doc = "// Package x is for y.\n"
	imp := func(pkg string, paths ...string) string {
		s := doc + "package " + pkg + "\n"
		for _, p := range paths {
			s += "import _ " + strconv.Quote(p) + "\n"
		}
		return s
	}
	for _, c := range []struct {
		path, text, want string // want "" is no finding
	}{
		{"event.go", imp("penstock", "github.com/google/uuid"), "event.go:3: imports github.com/google/uuid, but package penstock uses the standard library only"},
		{"ttlcache/cache.go", imp("ttlcache", module), "this package stands alone"},
		{"ttlcache/cache_test.go", imp("ttlcache", "github.com/anishathalye/porcupine"), ""},
		{"stream/check.go", imp("stream", module, module+"/kafka"), "adapters import stream, never the reverse"},
		{"ingest/door.go", imp("ingest", module, module+"/stream", "net/http"), ""},
		{"ingest/door.go", imp("ingest", module+"/journal"), "declare a small interface here"},
		{"ingest/door_test.go", imp("ingest", module+"/journal"), "use an external _test package"},
		{"ingest/door_test.go", imp("ingest_test", module+"/journal", module+"/kafka"), ""},
		{"check/locks/order.go", imp("locks", module+"/check/pyread"), ""},
		{"journal/disk.go", imp("journal", module+"/internal/faults"), "it is for tests only"},
		{"journal/disk_test.go", imp("journal", module+"/internal/faults"), ""},
		{"internal/faults/disk.go", imp("faults", module+"/journal"), ""},
		{"internal/progress/bar.go", imp("progress", module+"/csvfile", module+"/s3"), "only cmd does that"},
		{"internal/progress/bar.go", imp("progress", module+"/internal/orders"), "only cmd and tests use it"},
		{"cmd/penstock/load.go", imp("main", module+"/csvfile", module+"/postgres", module+"/internal/orders"), ""},
		{"kafka/sink.go", imp("kafka", module+"/cmd/penstock"), "nothing imports cmd"},
		{"stats/sum.go", imp("stats") + strings.Repeat("\n", 500), "502 lines, 500 are allowed"},
		{"stats/sum_test.go", imp("stats") + strings.Repeat("\n", 500), ""},
		{"check/a/b/c/d.go", imp("c"), "4 folders deep, 3 are allowed"},
		{"check/testdata/b/c/d/e.go", "package !", ""},
		{"stats/util/sum.go", imp("util"), "package util in stats/util says nothing"},
		{"stats/helpers/sum_test.go", imp("sum_test"), "says nothing"},
		{"stats/sum_test.go", doc + "package stats\nimport \"time\"\nfunc x() { time.Sleep(1) }\n", "sum_test.go:4: time.Sleep in a test"},
		{"stats/sum_test.go", doc + "package stats\nimport (\"time\";_ \"testing/synctest\")\nfunc x() { time.Sleep(1) }\n", ""},
		{"stats/sum.go", imp("stats") + "// TO" + "DO: more\n", "in a comment: do it"},
		{"stats/sum.go", imp("stats") + "func Sum() {}\n", "sum.go:3: Sum is exported and has no doc comment"},
		{"stats/sum.go", imp("stats") + "type s struct{}\nfunc (s) Sum() {}\n// S is.\ntype S[T any] struct{}\n", ""},
		{"stats/sum.go", imp("stats") + "// S is.\ntype S[T any] struct{}\nfunc (*S[T]) Sum() {}\n", "sum.go:5: Sum is exported"},
		{"stats/sum.go", imp("stats") + "type S int\n", "S is exported"},
		{"stats/sum.go", imp("stats") + "const (\n A = 1 // is one\n B = 2\n)\n", "sum.go:5: B is exported"},
		{"stats/sum.go", imp("stats") + "// The letters.\nconst (\n A = 1\n B = 2\n)\n", ""},
		{"stats/sum.go", "package stats\n", "package stats has no package comment"},
		{"stats/sum.go", "package", "does not parse"},
	} {
		got, err := inspect(fstest.MapFS{c.path: {Data: []byte(c.text)}})
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(got) == 0 || c.want != "" && len(got) == 1 && strings.Contains(got[0], c.want) {
			continue
		}
		t.Errorf("%s:\n%s\nfindings %q, want one that says %q", c.path, c.text, got, c.want)
	}
}
