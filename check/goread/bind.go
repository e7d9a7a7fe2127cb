package goread

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// Bind turns the holes of a query into parameters of its driver. All of the
// text must be built by one expression, in the function that sends it.
func (m Mender) Bind(r finding.Rewrite) (finding.Fix, bool) {
	if r.Query == nil || r.Whole == nil || r.Query.Span.File != r.Whole.At().File {
		return finding.Fix{Note: finding.NoSingle}, false
	}
	if r.Style == ir.NoStyle {
		return finding.Fix{Note: finding.NoDriver}, false
	}
	f := r.Query.Span.File
	p := m.parsed(f)
	if p == nil {
		return finding.Fix{Note: finding.NoProof}, false
	}
	b := &binding{rewrite: r, file: f, parsed: p, odd: m.odd}
	if b.decl = p.decl(r.Query.Span.Start); b.decl == nil || !b.build() {
		return finding.Fix{Note: cmp.Or(b.why, finding.NoProof)}, false
	}
	b.unimport()
	fix := finding.Fix{Title: "bind the value as a parameter", Edits: b.edits}
	if b.bound > 1 {
		fix.Title = "bind the values as parameters"
	}
	if b.note != "" {
		fix.Tier, fix.Note = finding.Unsafe, b.note
	}
	return fix, true
}

// build writes the edits: for a text that one expression builds, else for one
// that is built step by step.
func (b *binding) build() bool {
	found := b.find()
	if _, name := b.whole.(*ast.Ident); found && !name {
		return b.takeApart() && (b.choose() || b.not(finding.NoSingle)) && (b.inOrder() || b.not(finding.NoMoving)) && b.place() && b.pass()
	}
	b.call, b.whole, b.passing = nil, nil, nil
	return b.steps()
}

// not notes why there is no fix: the first reason counts.
func (b *binding) not(why string) bool {
	b.why = cmp.Or(b.why, why)
	return false
}

// A binding is one rewrite under way.
type binding struct {
	rewrite finding.Rewrite
	file    *ir.File
	*parsed
	decl    ast.Decl           // that the query stands in
	odd     map[ir.Span]string // what prints values, that no driver takes as they are printed, like %s
	call    *ast.CallExpr
	text    int      // which of its arguments is the text
	whole   ast.Expr // what builds the text
	stmt    ast.Stmt // the statement of call
	items   []*operand
	flat    []*segment // the segments of all items
	args    []string   // of the call, as they will be
	given   int        // parameters in the text so far
	bound   int
	list    string // the slice of a list, when it is the only parameter
	edits   []finding.Edit
	fn      ast.Node   // the function around the call
	passing []ast.Node // what runs between the text and the call, when a variable is
	indexed bool       // a template names its values by number
	printed bool       // whole is an fmt.Fprintf without its first argument

	around    []finding.Place // of each segment, before any was changed
	statement string          // the text of all steps, of a text that is built in several
	note      string          // what else the fix changes
	why       string          // why there is none
}

// An operand is one side of +, or all there is: a literal, a Sprintf, or another
// expression.
type operand struct {
	expr    ast.Expr
	sprintf *ast.CallExpr
	segs    []*segment
}

// A segment is literal text, or a hole.
type segment struct {
	text string // decoded
	hole bool
	expr ast.Expr // the hole's value
	verb string   // of a Sprintf
	bind bool
	at   finding.Context
	gone bool // a parameter stands for it
}

func (b *binding) span(n ast.Node) ir.Span {
	return ir.Span{File: b.file, Start: b.fset.Position(n.Pos()).Offset, End: b.fset.Position(n.End()).Offset}
}

func (b *binding) source(n ast.Node) string { return b.span(n).Text() }

// find looks up the call and the expression in the file. A variable between
// them may be there for this query only.
func (b *binding) find() bool {
	var stack []ast.Node
	var funcOf [2]ast.Node // of call and whole
	ast.Inspect(b.decl, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if c, ok := e.(*ast.CallExpr); ok && b.call == nil && b.span(c) == b.rewrite.Query.Span {
			b.call, funcOf[0] = c, enclosing(stack)
			for _, s := range stack {
				if st, ok := s.(ast.Stmt); ok {
					b.stmt = st
				}
			}
		}
		if b.whole == nil && b.span(e) == b.rewrite.Whole.At() {
			b.whole, funcOf[1] = e, enclosing(stack)
		}
		return true
	})
	if b.call == nil || b.whole == nil || funcOf[0] != funcOf[1] || funcOf[0] == nil {
		return false
	}
	b.text = slices.IndexFunc(b.call.Args, func(e ast.Expr) bool { return b.span(e) == b.rewrite.Query.SQL.At() })
	if b.text < 0 || b.call.Ellipsis.IsValid() {
		return false
	}
	return b.span(b.call.Args[b.text]) == b.span(b.whole) || b.onlyFor(funcOf[0])
}

func enclosing(stack []ast.Node) ast.Node {
	for _, n := range slices.Backward(stack) {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return n
		}
	}
	return nil
}

// onlyFor reports whether the text's variable is used for this query only, and
// what its values name is not assigned in between.
func (b *binding) onlyFor(fn ast.Node) bool {
	id, ok := b.call.Args[b.text].(*ast.Ident)
	if !ok {
		return false
	}
	used := map[string]bool{}
	ast.Inspect(b.whole, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok {
			used[x.Name] = true
		}
		return true
	})
	uses, moved := 0, false
	ast.Inspect(fn, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			if x.Name == id.Name {
				uses++
			}
		case *ast.AssignStmt:
			for _, to := range x.Lhs {
				moved = moved || b.between(x) && used[base(to)]
			}
		case *ast.IncDecStmt:
			moved = moved || b.between(x) && used[base(x.X)]
		}
		return true
	})
	return uses == 2 && !moved && b.passed(fn)
}

// between reports whether a statement stands between the text and the query.
func (b *binding) between(s ast.Stmt) bool {
	return s.Pos() > b.whole.End() && s.End() < b.call.Pos()
}

// base is the variable that an expression begins with: x of x.f[i].
func base(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}

// takeApart splits the expression into literals and holes.
func (b *binding) takeApart() bool {
	ok := true
	var add func(e ast.Expr)
	add = func(e ast.Expr) {
		if x, plus := ast.Unparen(e).(*ast.BinaryExpr); plus && x.Op == token.ADD {
			add(x.X)
			add(x.Y)
			return
		}
		o := &operand{expr: e}
		switch x := ast.Unparen(e).(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(x.Value)
			ok = ok && err == nil
			o.segs = []*segment{{text: text}}
		case *ast.CallExpr:
			if f := b.source(x.Fun); (f == "fmt.Sprintf" || b.printed && f == "fmt.Fprintf") && len(x.Args) > 0 && !x.Ellipsis.IsValid() {
				ok = ok && b.format(o, x)
				break
			}
			o.segs = []*segment{{hole: true, expr: e}}
		default:
			o.segs = []*segment{{hole: true, expr: e}}
		}
		b.items = append(b.items, o)
		b.flat = append(b.flat, o.segs...)
	}
	add(b.whole)
	return ok
}

var goVerb = regexp.MustCompile(`%[-#0 +]*\d*(?:\.\d+)?(?:\[(\d+)\])?[a-zA-Z%]`)

// format splits a Sprintf whose template is written out.
func (b *binding) format(o *operand, c *ast.CallExpr) bool {
	lit, ok := ast.Unparen(c.Args[0]).(*ast.BasicLit)
	if !ok {
		return false
	}
	tmpl, err := strconv.Unquote(lit.Value)
	if err != nil || strings.Contains(tmpl, "%*") {
		return false
	}
	o.sprintf = c
	done, next, used := 0, 1, map[int]bool{}
	add := func(text string) {
		if n := len(o.segs); n > 0 && !o.segs[n-1].hole {
			o.segs[n-1].text += text
		} else {
			o.segs = append(o.segs, &segment{text: text})
		}
	}
	for _, m := range goVerb.FindAllStringSubmatchIndex(tmpl, -1) {
		add(tmpl[done:m[0]])
		done = m[1]
		verb := tmpl[m[0]:m[1]]
		if m[2] >= 0 {
			b.indexed = true
			next, _ = strconv.Atoi(tmpl[m[2]:m[3]])
			verb = strings.Replace(verb, tmpl[m[2]-1:m[3]+1], "", 1)
		}
		switch {
		case verb == "%%":
			add("%")
		case next > 0 && next < len(c.Args):
			o.segs = append(o.segs, &segment{hole: true, expr: c.Args[next], verb: verb})
			used[next] = true
			next++
		default:
			return false
		}
	}
	add(tmpl[done:])
	return len(used) == len(c.Args)-1
}

// choose marks the holes that the engine fears, one after the other.
func (b *binding) choose() bool {
	any, next := false, 0
	for _, p := range b.rewrite.Pieces {
		if !p.Hole || !p.Tainted {
			continue
		}
		i := slices.IndexFunc(b.flat[next:], func(s *segment) bool { return s.hole && b.span(s.expr) == p.At })
		if i < 0 || !p.Context.Bindable() {
			return false
		}
		next += i + 1
		s := b.flat[next-1]
		s.bind, s.at, any = true, p.Context, true
	}
	return any
}

// existing counts the parameters that stand in a text.
func (b *binding) existing(text string) int {
	switch b.rewrite.Style {
	case ir.Dollar, ir.AtP, ir.ColonIndex:
		most := 0
		for _, m := range numbered[b.rewrite.Style].FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			most = max(most, n)
		}
		return most
	}
	return strings.Count(finding.Bare(text), "?")
}

var numbered = map[ir.Style]*regexp.Regexp{
	ir.Dollar: regexp.MustCompile(`\$(\d+)`), ir.AtP: regexp.MustCompile(`@p(\d+)`), ir.ColonIndex: regexp.MustCompile(`:(\d+)`),
}

// pass writes the arguments of the call anew, and the text.
func (b *binding) pass() bool {
	b.edits = append(b.edits, finding.Edit{Span: b.span(b.whole), New: b.render()})
	old := b.call.Args[b.text]
	at := b.span(old).End
	if rest := b.call.Args[b.text+1:]; len(rest) > 0 {
		at = b.span(rest[len(rest)-1]).End
		same := b.rewrite.Style != ir.Qmark || len(b.args) == len(rest)+b.bound && slices.EqualFunc(b.args[:len(rest)], rest, func(s string, e ast.Expr) bool { return s == b.source(e) })
		if !same {
			from := b.span(rest[0]).Start
			b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: from, End: at}, New: strings.Join(b.args, ", ")})
			return true
		}
	}
	more := b.args[len(b.args)-b.bound:]
	if b.list != "" {
		return b.spread(at)
	}
	end := ir.Span{File: b.file, Start: at, End: at}
	if last := b.edits[0].Span; last.End == at {
		b.edits[0].New += ", " + strings.Join(more, ", ") // one edit, where the text is the last argument
		return true
	}
	b.edits = append(b.edits, finding.Edit{Span: end, New: ", " + strings.Join(more, ", ")})
	return true
}

// spread hands a slice's elements over, each for its own placeholder.
func (b *binding) spread(at int) bool {
	if b.bound > 1 || len(b.call.Args) > b.text+1 || b.stmt == nil {
		return false
	}
	start := b.span(b.stmt).Start
	indent := string(b.file.Text[lineStart(b.file.Text, start):start])
	if strings.TrimSpace(indent) != "" {
		return false
	}
	name := b.free("args")
	loop := fmt.Sprintf("%[1]s := make([]any, len(%[2]s))\n%[3]sfor i, value := range %[2]s {\n%[3]s\t%[1]s[i] = value\n%[3]s}\n%[3]s", name, b.list, indent)
	b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: start, End: start}, New: loop})
	if b.edits[0].Span.End == at {
		b.edits[0].New += ", " + name + "..."
		return true
	}
	b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: at, End: at}, New: ", " + name + "..."})
	return true
}

// free is a name that the file does not use.
func (b *binding) free(name string) string {
	taken := b.names()
	for i := 2; taken[name]; i++ {
		name = strings.TrimRight(name, "0123456789") + strconv.Itoa(i)
	}
	return name
}

// unimport takes away an import that the fix leaves without use.
func (b *binding) unimport() {
	for _, s := range b.unused(b.file.Text, b.decl, b.edits) {
		b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: s[0], End: s[1]}})
	}
}
