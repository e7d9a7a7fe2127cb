// Package vet is the checker as an analyzer of go vet, one package at a time.
//
//	go vet -vettool=$(which penstock) ./...
//
// What other packages do is not seen: a lock order that two packages make
// together is found by penstock check alone.
package vet

import (
	"fmt"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// Analyzer reports what makes `penstock check` fail, with the fixes that
// change nothing but the fault. They are not verified here, as the package alone
// cannot be checked again: `penstock check --fix` does that.
var Analyzer = &analysis.Analyzer{
	Name: "penstock",
	Doc:  "find deadlocks by lock order, and SQL injection",
	URL:  "https://github.com/penstock-io/penstock",
	Run:  run,
}

func run(pass *analysis.Pass) (any, error) {
	r, err := goread.Of(goread.Unit{Fset: pass.Fset, Types: pass.Pkg, Info: pass.TypesInfo, Files: pass.Files, Sizes: pass.TypesSizes})
	if err != nil {
		return nil, err
	}
	menders := map[ir.Language]finding.Mender{ir.Go: r.Mend}
	found := locks.Analyse(r.Locks, locks.Options{Menders: menders})
	found = append(found, sqlinject.Analyse(r.SQL, sqlinject.Options{Menders: menders})...)
	files := places{}
	for _, f := range pass.Files {
		tf := pass.Fset.File(f.FileStart)
		files[tf.Name()] = tf
	}
	for _, f := range finding.Gather(found) {
		if _, allowed := f.At.File.Clean[f.At.Line()]; f.Level.Fails() && !allowed && files.pos(f.At, f.At.Start).IsValid() {
			pass.Report(diagnostic(f, files))
		}
	}
	return nil, nil
}

// places are the pass's files by name.
type places map[string]*token.File

// pos is a place in the pass's terms; none in a file that cgo has written.
func (p places) pos(s ir.Span, offset int) token.Pos {
	if f := p[s.File.Abs]; f != nil && offset <= f.Size() {
		return f.Pos(offset)
	}
	return token.NoPos
}

func diagnostic(f finding.Finding, files places) analysis.Diagnostic {
	pos := files.pos
	d := analysis.Diagnostic{
		Pos: pos(f.At, f.At.Start), End: pos(f.At, f.At.End), Category: f.Rule,
		Message: fmt.Sprintf("%s [%s]", f.Message, f.Rule),
	}
	for _, s := range f.Steps {
		if s.At.Known() {
			text := s.Text
			if len(f.Threads) > 1 {
				text = fmt.Sprintf("T%d %s", s.Thread+1, text)
			}
			d.Related = append(d.Related, analysis.RelatedInformation{Pos: pos(s.At, s.At.Start), Message: strings.TrimSpace(text)})
		}
	}
	for _, fix := range f.Fixes {
		if fix.Tier != finding.Safe {
			continue
		}
		s := analysis.SuggestedFix{Message: fix.Title}
		for _, e := range fix.Edits {
			s.TextEdits = append(s.TextEdits, analysis.TextEdit{Pos: pos(e.Span, e.Span.Start), End: pos(e.Span, e.Span.End), NewText: []byte(e.New)})
		}
		d.SuggestedFixes = append(d.SuggestedFixes, s)
	}
	return d
}
