// Package pyread reads Python for the checker: it lowers source to the small
// language of check/ir, and writes fixes back as Python.
//
//	p := &ir.Program{}
//	file := &ir.File{Path: "orders.py", Text: text, Lang: ir.Python}
//	problems := pyread.Read(p, []*ir.File{file})
//	fix, ok := new(pyread.Mender).Bind(rewrite)
//
// Names are resolved as Python does: the function, the functions around it, the
// module, what it imports. Types come from annotations, from what is assigned,
// and from a table of the libraries that matter here. A method whose receiver
// is not known is looked for by its name, and then the call is not Sure.
package pyread

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A Problem is a place that could not be read. All around it has been.
type Problem struct {
	At   ir.Span
	Text string
}

// Options says what the source does not. The zero value adds nothing.
type Options struct {
	Driver string // the database library of files that import none, as Drivers names it
}

// Drivers are the database libraries whose way to write a parameter is known.
func Drivers() []string { return slices.Sorted(maps.Keys(drivers)) }

// Read lowers all Python files of one check into p, and sets the files' Clean
// lines. It returns what could not be read; it never fails as a whole.
func Read(p *ir.Program, files []*ir.File) []Problem { return Options{}.Read(p, files) }

// Read is Read with options.
func (o Options) Read(p *ir.Program, files []*ir.File) []Problem {
	r := &reader{
		program:    p,
		driver:     o.Driver,
		modules:    map[string]*module{},
		classes:    map[string]*class{},
		functions:  map[string]*function{},
		methods:    map[string][]*function{},
		owners:     map[string][]*class{},
		functionOf: map[*syntax.FunctionDef]*function{},
		classOf:    map[*syntax.ClassDef]*class{},
		lambdas:    map[*syntax.Lambda]*ir.Func{},
	}
	var problems []Problem
	var order []*module
	names := moduleNames(files)
	for i, f := range files {
		m := &module{name: names[i], file: f, tree: syntax.Parse(f.Path, f.Text)}
		f.Clean = allowed(m.tree)
		for _, e := range m.tree.Errors {
			problems = append(problems, Problem{m.span(e.Span), e.Message})
		}
		m.deferred, m.idle = deferredThreads(m)
		r.declare(m)
		order = append(order, m)
		p.Files = append(p.Files, f)
	}
	r.link()
	r.scripts(order)
	p.Indirect = map[string]bool{}
	for _, c := range r.classes {
		r.indirect(c)
	}
	for _, m := range order {
		r.elsewhere(m)
		r.lowerModule(m)
	}
	return problems
}

// A reader knows every module of one check.
type reader struct {
	program   *ir.Program
	driver    string // of files that import none
	modules   map[string]*module
	classes   map[string]*class      // by full name
	functions map[string]*function   // by full name
	methods   map[string][]*function // by name alone
	owners    map[string][]*class    // classes that assign self.name, by name

	functionOf map[*syntax.FunctionDef]*function
	classOf    map[*syntax.ClassDef]*class
	lambdas    map[*syntax.Lambda]*ir.Func
}

// A module is one file.
type module struct {
	name     string
	file     *ir.File
	tree     *syntax.File
	imports  map[string]string     // local name -> full name
	body     *function             // what runs at import
	deferred map[*syntax.Call]bool // threads that start later than they are made
	idle     map[*syntax.Call]bool // threads that nobody starts
	alters   map[string]bool       // see altered; nil until it is asked for
}

func (m *module) span(s syntax.Span) ir.Span {
	return ir.Span{File: m.file, Start: int(s.Start), End: int(s.End)}
}

func (m *module) text(n syntax.Node) string { return m.tree.Slice(n.Where()) }

// A class is a class of the program.
type class struct {
	full, name string
	module     *module
	node       *syntax.ClassDef
	bases      []string // full names
	methods    map[string]*function
	statics    map[string]syntax.Expr // assigned or annotated in the class's body
	fields     map[string][]typed     // self.name = value, anywhere in its methods
	subs       []*class
	busy       bool // being asked for a type
}

// A typed is an expression, or an annotation, that tells a type in a function.
type typed struct {
	in         *function
	value      syntax.Expr
	annotation bool
}

// A function is a function, method, lambda or module body.
type function struct {
	ir      *ir.Func
	module  *module
	class   *class    // of a method
	outer   *function // it is nested in; nil for the module's
	node    *syntax.FunctionDef
	args    *syntax.Arguments
	locals  map[string]bool
	globals map[string]bool          // declared global
	types   map[string][]typed       // what local names are assigned
	defs    map[string]*function     // nested functions
	inside  map[string]*class        // nested classes
	assigns map[string]int           // how often each name is assigned
	loops   map[string][]syntax.Expr // what loops and comprehensions let names run over
	grown   map[string][]element     // what is appended to lists
	looping int                      // loops around the statement that is scanned
	busy    map[string]bool          // names whose type is being asked for
	lambdas int                      // lambdas met so far
	joined  map[string]bool          // names in what it joins to a text; nil until asked for
	static  bool                     // takes no self: staticmethod, or no method
	body    []syntax.Stmt
}

// moduleNames derives names from paths: the folders below the ones that hold
// no __init__.py, and the file.
func moduleNames(files []*ir.File) []string {
	packages := map[string]bool{}
	for _, f := range files {
		if path.Base(f.Path) == "__init__.py" {
			packages[path.Dir(f.Path)] = true
		}
	}
	names := make([]string, len(files))
	seen := map[string]bool{}
	for i, f := range files {
		dir, base := path.Dir(f.Path), strings.TrimSuffix(path.Base(f.Path), ".py")
		parts := []string{base}
		for packages[dir] && dir != "." && dir != "/" {
			parts = append([]string{path.Base(dir)}, parts...)
			dir = path.Dir(dir)
		}
		if base == "__init__" && len(parts) > 1 {
			parts = parts[:len(parts)-1]
		}
		names[i] = strings.Join(parts, ".")
		if seen[names[i]] { // scripts of one name in several folders
			names[i] = strings.ReplaceAll(strings.TrimSuffix(f.Path, ".py"), "/", ".")
		}
		seen[names[i]] = true
	}
	return names
}

// allowed finds the comments "# penstock: allow REASON". One that stands
// alone on its line is about the next line too.
func allowed(f *syntax.File) map[int]string {
	var clean map[int]string
	for _, c := range f.Comments {
		text := strings.TrimLeft(f.Slice(c), "# ")
		rest, ok := strings.CutPrefix(strings.Replace(text, "penstock: ", "penstock:", 1), "penstock:allow ")
		reason := strings.TrimSpace(rest)
		if !ok || reason == "" {
			continue
		}
		if clean == nil {
			clean = map[int]string{}
		}
		line, column := f.Position(c.Start)
		clean[line] = reason
		if strings.TrimSpace(f.Text[c.Start-uint32(column):c.Start]) == "" {
			clean[line+1] = reason
		}
	}
	return clean
}

// link finds what needs all modules: bases, subclasses.
func (r *reader) link() {
	for _, c := range r.classes {
		for _, b := range c.node.Bases {
			if full := r.qualified(b, c.module.body); full != "" {
				c.bases = append(c.bases, full)
			}
		}
	}
	for _, c := range r.classes {
		for _, b := range c.bases {
			if base := r.classes[b]; base != nil {
				base.subs = append(base.subs, c)
			}
		}
	}
	for _, c := range r.classes {
		slices.SortFunc(c.subs, func(x, y *class) int { return strings.Compare(x.full, y.full) })
		for name := range c.fields {
			r.owners[name] = append(r.owners[name], c)
		}
	}
	for _, list := range r.owners {
		slices.SortFunc(list, func(x, y *class) int { return strings.Compare(x.full, y.full) })
	}
}
