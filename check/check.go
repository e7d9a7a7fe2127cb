// Package check finds deadlocks and SQL injection in Go and Python, explains
// them and mends them.
//
//	r, err := check.Run(ctx, check.Options{Dir: ".", Paths: []string{"."}})
//	for _, f := range r.Findings {
//		fmt.Println(f.At, f.Message)
//	}
//
// The readers goread and pyread lower source to check/ir; locks and sqlinject
// find; a fix is offered only when the mended source reads again, its finding
// is gone and none is new. ARCHITECTURE.md has the picture.
package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// Options says what to check. The zero value checks the current folder and all
// below it.
type Options struct {
	Dir   string   // paths are seen from here; "" is the current folder
	Paths []string // files, folders (with all below them) and Go package patterns
	Mend  bool     // work out fixes and verify them
	// Observed are lock orders that runs of the program have shown: ReadObserved.
	Observed []locks.Seen
	Driver   string // the database library where the source names none: one of Drivers
}

// Drivers are the database libraries that Options may name: modules of Python, and
// what Go's database/sql opens.
func Drivers() []string {
	all := append(pyread.Drivers(), goread.Drivers()...)
	slices.Sort(all)
	return slices.Compact(all)
}

// A Report is what a check found.
type Report struct {
	Findings []finding.Finding
	Problems []Problem // what could not be read, and was left out
	Passed   []string  // what a folder has that is no file: links that lead nowhere, pipes
	Files    int
	Lines    int
	Tally    locks.Tally // how Options.Observed fits what was read
}

// A Problem is source that could not be read.
type Problem struct {
	At   ir.Span
	Text string
}

// Fails reports whether a finding is sure enough to make the check fail.
func (r *Report) Fails() bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Level.Fails() })
}

// String is where, if it is one place, and why.
func (p Problem) String() string {
	if !p.At.Known() {
		return "left out: " + p.Text
	}
	return fmt.Sprintf("%v: not read: %s", p.At, p.Text)
}

// A unit is what one reader reads at once.
type unit interface {
	// read reads the unit; overlay replaces files by absolute path.
	read(ctx context.Context, overlay map[string][]byte) (reading, error)
}

// A reading is one unit, lowered.
type reading struct {
	locks, sql *ir.Program
	problems   []Problem
	files      []*ir.File
	mender     finding.Mender
}

// Run reads, analyses and, if asked, mends. An error means that something could
// not be read at all.
func Run(ctx context.Context, o Options) (*Report, error) {
	if len(o.Paths) == 0 {
		o.Paths = []string{"."}
	}
	units, out, err := o.units()
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		r, err := u.read(ctx, nil)
		if err != nil {
			return nil, err
		}
		found, tally := analyse(r, patient{r.mender, ctx.Err}, o.Observed)
		out.tally(tally)
		if o.Mend {
			verify(ctx, u, found, len(r.problems))
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("check: stopped, nothing was changed: %w", err)
		}
		out.add(r, found)
	}
	slices.SortStableFunc(out.Findings, func(x, y finding.Finding) int {
		return cmp.Or(cmp.Compare(x.At.File.Path, y.At.File.Path), cmp.Compare(x.At.Start, y.At.Start), cmp.Compare(x.Key, y.Key))
	})
	return out, nil
}

// A patient mender has nothing more to offer once the check is stopped.
type patient struct {
	finding.Mender
	stopped func() error
}

func (p patient) Reorder(first, second *ir.Acquire) (finding.Fix, bool) {
	if p.stopped() != nil {
		return finding.Fix{}, false
	}
	return p.Mender.Reorder(first, second)
}

func (p patient) Bind(r finding.Rewrite) (finding.Fix, bool) {
	if p.stopped() != nil {
		return finding.Fix{}, false
	}
	return p.Mender.Bind(r)
}

func (r *Report) add(in reading, found []finding.Finding) {
	r.Findings = append(r.Findings, found...)
	r.Problems = append(r.Problems, in.problems...)
	r.Files += len(in.files)
	for _, f := range in.files {
		r.Lines += f.Line(len(f.Text))
	}
}

// analyse runs the engines and leaves out what a comment allows.
func analyse(r reading, m finding.Mender, observed []locks.Seen) ([]finding.Finding, locks.Tally) {
	menders := map[ir.Language]finding.Mender{ir.Go: m, ir.Python: m}
	if m == nil {
		menders = nil
	}
	var tally locks.Tally
	found := locks.Analyse(r.locks, locks.Options{Menders: menders, Observed: observed, Tally: &tally})
	found = append(found, sqlinject.Analyse(r.sql, sqlinject.Options{Menders: menders})...)
	return slices.DeleteFunc(found, func(f finding.Finding) bool {
		_, allowed := f.At.File.Clean[f.At.Line()]
		return allowed
	}), tally
}

// units sorts the paths into what each reader reads, and, as a report of nothing else
// yet, what none can.
func (o Options) units() (units []unit, left *Report, err error) {
	left = &Report{}
	dir := cmp.Or(o.Dir, ".")
	var patterns, goFiles []string
	py := &pythonUnit{dir: dir, driver: o.Driver}
	for _, p := range o.Paths {
		at := filepath.Join(dir, strings.TrimSuffix(strings.TrimSuffix(p, "..."), "/"))
		if filepath.IsAbs(p) {
			at = strings.TrimSuffix(strings.TrimSuffix(p, "..."), "/")
		}
		info, err := os.Stat(at)
		switch {
		case err != nil && strings.HasSuffix(p, ".go"), err != nil && strings.HasSuffix(p, ".py"), err != nil && (strings.HasPrefix(p, ".") || filepath.IsAbs(p)):
			return nil, nil, fmt.Errorf("check %s: %w; name a file, a folder or a Go package", p, err)
		case err != nil:
			patterns = append(patterns, p)
		case info.IsDir():
			found := &sources{}
			if err := found.walk(at); err != nil {
				return nil, nil, fmt.Errorf("check %s: %w", p, err)
			}
			py.files = append(py.files, found.python...)
			left.Problems = append(left.Problems, found.left...)
			left.Passed = append(left.Passed, found.passed...)
			if found.golang {
				units = append(units, &goUnit{dir: at, base: dir, patterns: []string{"./..."}, hidden: found.hidden, driver: o.Driver})
			}
		case strings.HasSuffix(p, ".py"):
			py.files = append(py.files, at)
		case strings.HasSuffix(p, ".go"):
			goFiles = append(goFiles, p)
		default:
			return nil, nil, fmt.Errorf("check %s: neither a folder nor a .go or .py file", p)
		}
	}
	if len(patterns) > 0 {
		units = append(units, &goUnit{dir: dir, base: dir, patterns: patterns, driver: o.Driver})
	}
	if len(goFiles) > 0 {
		units = append(units, &goUnit{dir: dir, base: dir, patterns: goFiles, driver: o.Driver})
	}
	if len(py.files) > 0 {
		units = append(units, py)
	}
	return units, left, nil
}

// A goUnit is Go packages of one module.
type goUnit struct {
	dir, base string
	patterns  []string
	hidden    map[string][]byte // what stands for files that cannot be read
	driver    string
}

func (u *goUnit) read(ctx context.Context, overlay map[string][]byte) (reading, error) {
	if len(u.hidden) > 0 {
		all := maps.Clone(u.hidden)
		maps.Copy(all, overlay)
		overlay = all
	}
	r, err := goread.Load(ctx, goread.Options{Dir: u.dir, Base: u.base, Patterns: u.patterns, Overlay: overlay, Driver: u.driver})
	if err != nil {
		return reading{}, err
	}
	out := reading{locks: r.Locks, sql: r.SQL, files: r.Files, mender: r.Mend}
	for _, err := range r.Broken {
		out.problems = append(out.problems, Problem{Text: err.Error()})
	}
	return out, nil
}
