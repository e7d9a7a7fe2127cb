package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// Mender writes fixes in Python, and answers false for what it cannot mend with
// confidence. Its zero value is ready; it keeps the files that it has written fixes
// for, each parsed once. It is not safe for concurrent use.
type Mender struct{ files map[*ir.File]*mended }

// Reorder makes second be taken before first. Two with statements with nothing
// between them swap what they take; else the outer one takes both, and the
// inner one is dissolved.
func (r *Mender) Reorder(first, second *ir.Acquire) (finding.Fix, bool) {
	m := r.mended(first.Span.File)
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
	if ok && fix.Tier == finding.Safe && m.varies(second) {
		fix.Tier = finding.Unsafe
		fix.Note = second.Span.Text() + " is now looked up before " + first.Span.Text() + " is held, which may guard it"
	}
	fix.Title = "take " + second.Span.Text() + " before " + first.Span.Text()
	return fix, ok
}

func (m *module) replace(s syntax.Span, text string) finding.Edit {
	return finding.Edit{Span: m.span(s), New: text}
}

func (m *module) insert(at uint32, text string) finding.Edit {
	return m.replace(syntax.Span{Start: at, End: at}, text)
}

// withItem finds the with statement, and the item of it, that takes a lock.
func (m *mended) withItem(a *ir.Acquire) (*syntax.With, int) {
	for _, e := range nodes[syntax.Expr](m, a.Span) {
		item, ok := m.parent[e].(*syntax.WithItem)
		if !ok || item.Context != e {
			continue
		}
		w := m.parent[item].(*syntax.With)
		return w, slices.Index(w.Items, item)
	}
	return nil, 0
}

// depends reports whether an item needs a name that the outer statement, or
// what runs in it before the item, binds: it cannot be taken earlier then.
func (m *mended) depends(outer *syntax.With, item *syntax.WithItem) bool {
	bound := m.binds(outer)
	needs := false
	m.all(item.Context, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Name:
			at, ok := bound[n.ID]
			needs = needs || ok && at < item.Start
		case *syntax.Subscript, *syntax.Call:
			needs = true // what it finds may be guarded by the outer lock
		}
	})
	return needs
}

// binds tells where each name is first given a value in a statement.
func (m *mended) binds(w *syntax.With) map[string]uint32 {
	if m.bound[w] == nil {
		first := map[string]uint32{}
		m.all(w, func(n syntax.Node) {
			name, ok := n.(*syntax.Name)
			if !ok || name.Ctx != syntax.Store {
				return
			}
			if at, ok := first[name.ID]; !ok || name.Start < at {
				first[name.ID] = name.Start
			}
		})
		m.bound[w] = first
	}
	return m.bound[w]
}

func (m *mended) swapItems(a, b *syntax.WithItem) finding.Fix {
	return finding.Fix{Edits: []finding.Edit{m.replace(a.Span, m.text(b)), m.replace(b.Span, m.text(a))}}
}

// widen takes the inner lock where the outer one is taken.
func (m *mended) widen(outer *syntax.With, i int, inner *syntax.With, j int) (finding.Fix, bool) {
	item := inner.Items[j]
	if !within(inner, outer) || m.rebinds(outer.Body, m.text(item.Context)) {
		return finding.Fix{}, false
	}
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

func (m *mended) dropItem(w *syntax.With, j int) finding.Edit {
	if j == 0 {
		return m.replace(syntax.Span{Start: w.Items[0].Start, End: w.Items[1].Start}, "")
	}
	return m.replace(syntax.Span{Start: w.Items[j-1].End, End: w.Items[j].End}, "")
}

// dissolve leaves the body of a with statement in its place: the first line
// goes, and the body moves to the left, but for lines that begin in a string.
func (m *mended) dissolve(w *syntax.With) ([]finding.Edit, bool) {
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
func (m *mended) multiline(n syntax.Node) []syntax.Span {
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
func (m *mended) swapCalls(first, second *ir.Acquire) (finding.Fix, bool) {
	list, i := m.callAt(first.Span)
	other, j := m.callAt(second.Span)
	if list == nil || other == nil || &list[0] != &other[0] || j <= i {
		return finding.Fix{}, false
	}
	a, b := list[i].Where(), list[j].Where()
	if i+1 == j {
		return finding.Fix{Edits: []finding.Edit{m.replace(a, m.tree.Slice(b)), m.replace(b, m.tree.Slice(a))}}, true
	}
	indent, line := m.indent(a.Start), m.indent(b.Start)
	if strings.TrimSpace(indent) != "" || strings.TrimSpace(line) != "" || !m.lastInLine(b) || m.rebinds(list[i:j], m.tree.Slice(b)) {
		return finding.Fix{}, false
	}
	return finding.Fix{
		Tier: finding.Unsafe,
		Note: "what runs between the two now runs under both",
		Edits: []finding.Edit{
			m.insert(a.Start, m.tree.Slice(b)+"\n"+indent),
			m.replace(syntax.Span{Start: b.Start - uint32(len(line)), End: lineEnd(m.tree.Text, b.End)}, ""),
		},
	}, true
}

// lastInLine reports whether nothing but a comment is behind a statement in its line.
func (m *module) lastInLine(s syntax.Span) bool {
	rest := strings.TrimSpace(m.tree.Text[s.End:lineEnd(m.tree.Text, s.End)])
	return rest == "" || rest[0] == '#'
}

// rebinds reports whether statements give a new value to a name or a field that a call
// is written with: before them it would be another's.
func (m *mended) rebinds(list []syntax.Stmt, call string) bool {
	found := false
	for _, s := range list {
		m.all(s, func(n syntax.Node) {
			switch x := n.(type) {
			case *syntax.Name:
				found = found || x.Ctx == syntax.Store && mentions(call, x.ID)
			case *syntax.Attribute:
				found = found || x.Ctx == syntax.Store && mentions(call, x.Attr)
			}
		})
	}
	return found
}

// mentions reports whether a name is one of the words of a text.
func mentions(text, name string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n.,()[]", r) }), name)
}

// indent is what stands before a byte in its line.
func (m *module) indent(at uint32) string {
	_, column := m.tree.Position(at)
	return m.tree.Text[at-uint32(column) : at]
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

// callAt finds the statement that is just the call at a span.
func (m *mended) callAt(at ir.Span) (list []syntax.Stmt, i int) {
	for _, c := range nodes[*syntax.Call](m, at) {
		if s, ok := m.parent[c].(*syntax.ExprStmt); ok {
			return m.list(s)
		}
	}
	return nil, 0
}
