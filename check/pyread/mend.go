package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// Mender writes fixes in Python. It reads the file of the span it is given
// again, and answers false for what it cannot mend with confidence.
type Mender struct{}

// Reorder makes second be taken before first. Two with statements with nothing
// between them swap what they take; else the outer one takes both, and the
// inner one is dissolved.
func (Mender) Reorder(first, second *ir.Acquire) (finding.Fix, bool) {
	m := reread(first.Span.File)
	outer, i := m.withItem(first)
	inner, j := m.withItem(second)
	fix, ok := finding.Fix{}, false
	switch {
	case outer == nil && inner == nil:
		fix, ok = m.swapCalls(first, second)
	case outer == nil || inner == nil || outer.Async != inner.Async:
	case outer == inner:
		fix, ok = m.swapItems(outer.Items[i], outer.Items[j]), i+1 == j
	case len(outer.Body) == 1 && outer.Body[0] == syntax.Stmt(inner) && i == len(outer.Items)-1 && j == 0:
		fix, ok = m.swapItems(outer.Items[i], inner.Items[j]), true
	default:
		fix, ok = m.widen(outer, i, inner, j)
	}
	if outer != nil && inner != nil && m.depends(outer, inner.Items[j]) {
		return finding.Fix{}, false
	}
	fix.Title = "take " + second.Span.Text() + " before " + first.Span.Text()
	return fix, ok
}

// reread parses a file for mending.
func reread(f *ir.File) *module {
	return &module{file: f, tree: syntax.Parse(f.Path, f.Text)}
}

func (m *module) replace(s syntax.Span, text string) finding.Edit {
	return finding.Edit{Span: m.span(s), New: text}
}

func (m *module) insert(at uint32, text string) finding.Edit {
	return m.replace(syntax.Span{Start: at, End: at}, text)
}

// withItem finds the with statement, and the item of it, that takes a lock.
func (m *module) withItem(a *ir.Acquire) (*syntax.With, int) {
	for n := range syntax.All(m.tree) {
		w, ok := n.(*syntax.With)
		if !ok {
			continue
		}
		for i, item := range w.Items {
			if m.span(item.Context.Where()) == a.Span {
				return w, i
			}
		}
	}
	return nil, 0
}

// depends reports whether an item needs a name that the outer statement, or
// what runs in it before the item, binds: it cannot be taken earlier then.
func (m *module) depends(outer *syntax.With, item *syntax.WithItem) bool {
	bound := map[string]bool{}
	note := func(n syntax.Node) {
		if name, ok := n.(*syntax.Name); ok && name.Ctx == syntax.Store {
			bound[name.ID] = true
		}
	}
	for n := range syntax.All(outer) {
		if n.Where().Start < item.Start {
			note(n)
		}
	}
	for n := range syntax.All(item.Context) {
		switch n := n.(type) {
		case *syntax.Name:
			if bound[n.ID] {
				return true
			}
		case *syntax.Subscript, *syntax.Call:
			return true // what it finds may be guarded by the outer lock
		}
	}
	return false
}

func (m *module) swapItems(a, b *syntax.WithItem) finding.Fix {
	return finding.Fix{Edits: []finding.Edit{m.replace(a.Span, m.text(b)), m.replace(b.Span, m.text(a))}}
}

// widen takes the inner lock where the outer one is taken.
func (m *module) widen(outer *syntax.With, i int, inner *syntax.With, j int) (finding.Fix, bool) {
	if !within(inner, outer) {
		return finding.Fix{}, false
	}
	item := inner.Items[j]
	fix := finding.Fix{
		Tier:  finding.Unsafe,
		Note:  "what " + m.text(outer.Items[i].Context) + " guards now runs under " + m.text(item.Context) + " as well",
		Edits: []finding.Edit{m.insert(outer.Items[i].Start, m.text(item)+", ")},
	}
	if len(inner.Items) > 1 {
		fix.Edits = append(fix.Edits, m.dropItem(inner, j))
		return fix, true
	}
	edits, ok := m.dissolve(inner)
	fix.Edits = append(fix.Edits, edits...)
	return fix, ok
}

func within(inner, outer syntax.Node) bool {
	return outer.Where().Start <= inner.Where().Start && inner.Where().End <= outer.Where().End
}

func (m *module) dropItem(w *syntax.With, j int) finding.Edit {
	if j == 0 {
		return m.replace(syntax.Span{Start: w.Items[0].Start, End: w.Items[1].Start}, "")
	}
	return m.replace(syntax.Span{Start: w.Items[j-1].End, End: w.Items[j].End}, "")
}

// dissolve leaves the body of a with statement in its place: the first line
// goes, and the body moves to the left, but for lines that begin in a string.
func (m *module) dissolve(w *syntax.With) ([]finding.Edit, bool) {
	text := m.tree.Text
	first := w.Body[0].Where().Start
	if d := decorators(w.Body[0]); len(d) > 0 {
		first = d[0].Where().Start - 1
	}
	_, column := m.tree.Position(w.Start)
	line, inside := m.tree.Position(first)
	if at, _ := m.tree.Position(w.Start); at == line {
		return []finding.Edit{m.replace(syntax.Span{Start: w.Start, End: first}, "")}, true
	}
	header := lineEnd(text, w.Items[len(w.Items)-1].End)
	start := w.Start - uint32(column)
	if strings.TrimSpace(text[start:w.Start]) != "" || inside <= column {
		return nil, false
	}
	edits := []finding.Edit{m.replace(syntax.Span{Start: start, End: header}, "")}
	long := m.multiline(w)
	for at := header; at < w.End; at = lineEnd(text, at) {
		if inString(long, at) || !strings.HasPrefix(text[at:], text[first-uint32(inside):first]) {
			continue
		}
		edits = append(edits, m.replace(syntax.Span{Start: at, End: at + uint32(inside-column)}, ""))
	}
	return edits, true
}

func decorators(s syntax.Stmt) []syntax.Expr {
	switch s := s.(type) {
	case *syntax.FunctionDef:
		return s.Decorators
	case *syntax.ClassDef:
		return s.Decorators
	}
	return nil
}

// lineEnd is where the next line starts.
func lineEnd(text string, at uint32) uint32 {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + uint32(i) + 1
	}
	return uint32(len(text))
}

// multiline lists the strings in a statement that reach over several lines.
func (m *module) multiline(n syntax.Node) []syntax.Span {
	var spans []syntax.Span
	for part := range syntax.All(n) {
		var one []syntax.Span
		switch c := part.(type) {
		case *syntax.Constant:
			for _, l := range m.tree.Literals(c) {
				one = append(one, l.Span)
			}
		case *syntax.JoinedStr:
			one = append(one, c.Span)
		}
		for _, s := range one {
			if strings.Contains(m.tree.Slice(s), "\n") {
				spans = append(spans, s)
			}
		}
	}
	return spans
}

func inString(spans []syntax.Span, at uint32) bool {
	for _, s := range spans {
		if s.Start < at && at < s.End {
			return true
		}
	}
	return false
}

// swapCalls moves b.acquire() before a.acquire() in one list of statements.
func (m *module) swapCalls(first, second *ir.Acquire) (finding.Fix, bool) {
	for n := range syntax.All(m.tree) {
		for _, list := range bodies(n) {
			i, j := m.callAt(list, first.Span), m.callAt(list, second.Span)
			if i < 0 || j <= i {
				continue
			}
			a, b := list[i].Where(), list[j].Where()
			if i+1 == j {
				return finding.Fix{Edits: []finding.Edit{m.replace(a, m.tree.Slice(b)), m.replace(b, m.tree.Slice(a))}}, true
			}
			_, column := m.tree.Position(a.Start)
			_, other := m.tree.Position(b.Start)
			indent := m.tree.Text[a.Start-uint32(column) : a.Start]
			if strings.TrimSpace(indent) != "" || strings.TrimSpace(m.tree.Text[b.Start-uint32(other):b.Start]) != "" {
				return finding.Fix{}, false
			}
			return finding.Fix{
				Tier: finding.Unsafe,
				Note: "what runs between the two now runs under both",
				Edits: []finding.Edit{
					m.insert(a.Start, m.tree.Slice(b)+"\n"+indent),
					m.replace(syntax.Span{Start: b.Start - uint32(other), End: lineEnd(m.tree.Text, b.End)}, ""),
				},
			}, true
		}
	}
	return finding.Fix{}, false
}

// bodies returns the lists of statements of any node.
func bodies(n syntax.Node) [][]syntax.Stmt {
	switch n := n.(type) {
	case *syntax.File:
		return [][]syntax.Stmt{n.Body}
	case *syntax.FunctionDef:
		return [][]syntax.Stmt{n.Body}
	case *syntax.ClassDef:
		return [][]syntax.Stmt{n.Body}
	case syntax.Stmt:
		return blocks(n)
	}
	return nil
}

// callAt is the index of the statement that is just the call at a span.
func (m *module) callAt(list []syntax.Stmt, at ir.Span) int {
	for i, s := range list {
		if e, ok := s.(*syntax.ExprStmt); ok && m.span(e.Value.Where()) == at {
			return i
		}
	}
	return -1
}
