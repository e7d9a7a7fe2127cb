package sqlinject

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// head finds the first word of a statement.
var head = regexp.MustCompile(`(?i)^[\s(]*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|CREATE|DROP|ALTER|TRUNCATE|CALL|EXEC|PRAGMA|GRANT|REVOKE)\b`)

// headed reports whether a text begins as a statement does.
func (t text) headed() bool {
	for _, p := range t {
		if p.hole || p.text != "" {
			return !p.hole && head.MatchString(p.text)
		}
	}
	return false
}

// explains is what stands before a whole statement that is then explained, prepared
// or gone through by a cursor.
var explains = regexp.MustCompile(`(?i)^\s*(?:EXPLAIN\s[\w\s(),]*|DECLARE\s+\S+\s[\w\s]*\bFOR\s|PREPARE\s+\S+\s+AS\s)\s*$`)

// behindExplain is the one hole that a text sends behind such words; nil for another text.
func (t text) behindExplain() text {
	end := len(t) - 1
	if end < 1 || !t[end].hole {
		return nil
	}
	var before strings.Builder
	for _, p := range t[:end] {
		switch {
		case !p.hole:
			before.WriteString(p.text)
		case p.taint > unknown:
			return nil
		default:
			before.WriteString("x")
		}
	}
	if !explains.MatchString(before.String()) {
		return nil
	}
	return t[end:]
}

// statement is what a value holds of SQL that was built of somebody's value: the
// value itself, or, of a list, a mapping and the like, the worst in it; nil for none.
func (t text) statement() text {
	if len(t) > 1 && t.headed() && t.worst() >= row {
		return t
	}
	var worst text
	for _, p := range t {
		if p.held.worst() > worst.worst() {
			worst = p.held
		}
	}
	return worst
}

// handing are functions, by their last name in lower case, that hand on the text
// they are given, or an element of what they are given.
var handing = words(`strip lstrip rstrip trimspace trim trimleft trimright trimprefix trimsuffix removeprefix removesuffix dedent cleandoc expandtabs encode decode
	get items values pop popitem popleft setdefault next iter list tuple sorted reversed copy deepcopy enumerate zip sub string bytes clone append collect format_sql`)

// held is what a function that was not read may hand on of a statement.
func held(t text, by string) text {
	if by != "" && !handing[strings.ToLower(last(by))] {
		t[0].held = nil
	}
	return t
}

// keeps notes that a variable holds a statement now, beside what it held.
func (w *walk) keeps(v *ir.Var, value ir.Expr, s state) {
	if v.In != nil || value == nil {
		return
	}
	sql := w.eval(value, s, 0).statement()
	if sql == nil {
		return
	}
	old := w.variable(v, s)
	if len(old) != 1 || !old[0].hole || old[0].held.worst() >= sql.worst() {
		return
	}
	p := old[0]
	p.held, p.taint = sql, max(p.taint, sql.worst())
	p.elems = nil
	s[v.Name] = text{p}
}

// fieldOf is the key of a field of a variable in a state; "" for another one.
func fieldOf(e ir.Expr) string {
	if f, ok := e.(*ir.Field); ok {
		if v, ok := f.X.(*ir.Var); ok && v.In == nil {
			return v.Name + "." + f.Name
		}
	}
	return ""
}

// stored is the worst statement that a field or a global is given anywhere in the
// program; nil for none, or where it may be given what is worse and no statement.
func (w *walk) stored(key string, lists ...[]store) text {
	if t, ok := w.statements[key]; ok || w.open["stored "+key] || w.depth >= callsMax {
		return t // of one that is being looked at: what is made longer
	}
	w.open["stored "+key] = true
	defer delete(w.open, "stored "+key)
	best, other := text(nil), harmless
	for round := range 2 { // the second one knows what the first has found, and what is made longer of it
		if w.statements[key] = best; best == nil {
			w.statements[key] = text{{}} // a builder's zero value
		}
		for _, st := range slices.Concat(lists...) {
			inner := &walk{analysis: w.analysis, fn: st.fn, depth: w.depth + 1}
			t := inner.eval(st.value, inner.constants(), 0)
			if sql := t.statement(); sql != nil {
				t = sql
			}
			switch {
			case !t.headed() && round > 0:
				other = max(other, t.worst())
			case t.headed() && (best == nil || t.worst() > best.worst()):
				best = t
			}
		}
	}
	if best.worst() == unknown || best.worst() < other && best.worst() == harmless {
		best = nil
	}
	w.statements[key] = best
	return best
}

// pieced is the statement that is joined of the pieces a field or a global was
// given one by one; nil for none.
func (w *walk) pieced(x *ir.Joined, s state, depth int) text {
	var given, more []store
	switch l := x.List.(type) {
	case *ir.Field:
		given, more = w.stores[l.Owner+"."+l.Name], w.filled["."+l.Name]
	case *ir.Global:
		given, more = w.globals[l.Name], w.filled[l.Name]
	}
	if len(given) != 1 || len(more) == 0 || w.depth >= callsMax {
		return nil
	}
	var out text
	for i, st := range append(given[:1:1], more...) {
		inner := &walk{analysis: w.analysis, fn: st.fn, depth: w.depth + 1}
		if list, ok := st.value.(*ir.List); ok && i == 0 {
			for _, e := range list.Elems {
				out = append(out, inner.eval(e, inner.constants(), 0)...)
				out = append(out, w.eval(x.Sep, s, depth+1)...)
			}
			continue
		}
		out = append(out, inner.eval(st.value, inner.constants(), 0)...)
		out = append(out, w.eval(x.Sep, s, depth+1)...)
		if len(out) > piecesMax {
			break
		}
	}
	return bounded(x, out).statement()
}

// replaced is a text in which a function has put other ones for constant pieces of
// it; ok is false for a function that does no such thing. Each value is looked at once:
// in a chain of calls, x.replace(…).replace(…), twice would be 2^n times.
func (w *walk) replaced(x *ir.Unknown, s state, depth int) (out text, ok bool) {
	name, parts := strings.ToLower(last(x.By)), x.Parts
	if name != "replace" && name != "replaceall" || len(parts) < 2 {
		return nil, false
	}
	if strings.HasSuffix(x.By, ".Replacer).Replace") {
		parts = append(parts[:1:1], w.replacer(parts[1], s)...)
	}
	if end := len(parts) - 1; parts[end].At().Text()+"."+last(x.By) == x.By && parts[0].At().Text()+"."+last(x.By) != x.By {
		parts = append([]ir.Expr{parts[end]}, parts[:end]...) // the receiver of what may be a field stands last
	}
	values := make([]text, len(parts))
	whole := hole(x, harmless, "")
	for i, e := range parts {
		values[i] = w.eval(e, s, depth+1)
		whole = worse(whole, carried(x, values[i]))
	}
	t, found := values[0], false
	for i := 1; i+1 < len(parts); i += 2 {
		old, constant := values[i].constant()
		if constant && old != "" && slices.ContainsFunc(t, func(p part) bool { return !p.hole && strings.Contains(p.text, old) }) {
			t, found = bounded(x, t.replace(old, place(values[i+1], parts[i+1]))), true
		}
	}
	if found {
		return t, true
	}
	out = held(whole, x.By)
	if len(values) > 2 {
		out[0].without = doubled(values[1], values[2])
	}
	return out, true
}

// doubled is the quote of names that a replacement doubles, or takes out; "" for none.
func doubled(old, fresh text) string {
	q, ok1 := old.constant()
	by, ok2 := fresh.constant()
	if ok1 && ok2 && opening[q] != "" && (by == q+q || by == "") {
		return q
	}
	return ""
}

// replacer are the pairs that a strings.Replacer is made of.
func (w *walk) replacer(e ir.Expr, s state) []ir.Expr {
	switch x := e.(type) {
	case *ir.Var:
		e = only(s[x.Name])
	case *ir.Global:
		if values := w.globals[x.Name]; len(values) == 1 {
			e = values[0].value
		}
	}
	if x, ok := e.(*ir.Unknown); ok && x.By == "strings.NewReplacer" {
		return x.Parts
	}
	return nil
}

// replace is a text with another one for a piece of its literals.
func (t text) replace(old string, by text) (out text) {
	for _, p := range t {
		if p.hole || !strings.Contains(p.text, old) {
			out = append(out, p)
			continue
		}
		for i, piece := range strings.Split(p.text, old) {
			if i > 0 {
				out = append(out, by...)
			}
			if piece != "" {
				p.text = piece
				out = append(out, p)
			}
			if len(out) > 4*piecesMax {
				return out
			}
		}
	}
	return out
}

// brought is what a global holds that comes from outside, wherever it is given; nil
// where it does not.
func (w *walk) brought(x *ir.Global) text {
	key := "outside " + x.Name
	t, known := w.statements[key]
	if !known && w.depth < callsMax {
		w.statements[key] = nil // to who asks on the way
		for _, st := range w.globals[x.Name] {
			inner := &walk{analysis: w.analysis, fn: st.fn, depth: w.depth + 1}
			if given := inner.derived(x, st.value, inner.constants(), 0); given.worst() > t.worst() && given.worst() >= operator {
				t = given
			}
		}
		w.statements[key] = t
	}
	if t == nil {
		return nil
	}
	out := hole(x, t.worst(), t[0].from)
	out[0].trail, out[0].held = t[0].trail, t[0].held
	return out
}

// own reports whether only one function gives a global its values.
func (a *analysis) own(name string, fn *ir.Func) bool {
	for _, st := range a.globals[name] {
		if st.fn != fn {
			return false
		}
	}
	return len(a.globals[name]) > 0
}
