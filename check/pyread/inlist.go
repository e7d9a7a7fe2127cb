package pyread

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

var (
	inBefore   = regexp.MustCompile(`(?i)\s*\b(NOT\s+)?IN\s*(\(\s*'?)?$`)
	closeAfter = regexp.MustCompile(`^'?\s*\)`)
)

// list makes a parameter of each element of a list: IN ({", ".join(xs)}).
func (w *writer) list(i int) bool {
	s := w.t.segments[i]
	from, ok := w.assigned(s.expr)
	if !ok || i == 0 || w.t.segments[i-1].hole || w.mapping || s.verb != "" || w.rewrite.Query.Many {
		return false
	}
	values, tuple := w.elements(from)
	before := w.kept(i - 1)
	open := inBefore.FindStringSubmatchIndex(before)
	if values == nil || open == nil || tuple == (open[4] >= 0) {
		return false
	}
	shut := [2]int{}
	if !tuple {
		if i+1 >= len(w.t.segments) || w.t.segments[i+1].hole {
			return false
		}
		at := closeAfter.FindStringIndex(w.kept(i + 1))
		if at == nil || strings.HasSuffix(before, "'") != strings.HasPrefix(w.kept(i+1), "'") {
			return false
		}
		shut = [2]int{at[0], at[1]}
	}
	if w.rewrite.Style == ir.Dollar {
		return from == s.expr && w.array(i, open, shut, values)
	}
	if strings.HasSuffix(before, "'") {
		w.cut[i-1], w.cut[i+1] = [2]int{0, 1}, [2]int{1, 0}
	}
	w.params = append(w.params, param{text: "*" + w.text(values), before: w.given})
	return w.twice(values) && w.generate(i, from, w.text(values), tuple)
}

// assigned is what a hole holds: itself, or what was assigned to the variable
// that it is, when that was once, for this query, and just before.
func (w *writer) assigned(e syntax.Expr) (syntax.Expr, bool) {
	name, ok := e.(*syntax.Name)
	if !ok || !w.local(name.ID) {
		return e, true
	}
	assigned := w.scope(w.fn).assigns(name.ID)
	if len(assigned) == 0 {
		return e, true
	}
	value := assigned[len(assigned)-1]
	list, at, j := w.statements(value)
	if list == nil || !w.only(name.ID, 1) {
		return nil, false
	}
	values, _ := w.elements(value)
	return value, values != nil && w.unchanged([]syntax.Expr{values}, value.Where().End, list[at:j+1], reads)
}

// array binds the whole list as one parameter.
func (w *writer) array(i int, open []int, shut [2]int, values syntax.Expr) bool {
	verb := " = ANY("
	if open[2] >= 0 {
		verb = " <> ALL("
	}
	before := w.kept(i - 1)
	w.cut[i-1] = [2]int{0, len(before) - open[0]}
	if shut[1] > 0 {
		w.cut[i+1] = [2]int{shut[1], 0}
	}
	w.number++
	w.params = append(w.params, param{text: "list(" + w.text(values) + ")"})
	w.marks[i] = fmt.Sprintf("%s$%d)", verb, w.number)
	return true
}

// generate writes the Python that makes as many placeholders as there are
// values, where the values were joined.
func (w *writer) generate(i int, from syntax.Expr, values string, tuple bool) bool {
	s := w.t.segments[i]
	q := w.quote(i)
	if from != s.expr || s.plus {
		q = `"`
	}
	mark := fmt.Sprintf("%[1]s, %[1]s.join(%[1]s?%[1]s * len(%[2]s))", q, values)
	if w.rewrite.Style == ir.Percent {
		mark = fmt.Sprintf("%[1]s, %[1]s.join([%[1]s%%s%[1]s] * len(%[2]s))", q, values)
	}
	w.code[i] = true
	switch {
	case from != s.expr:
		if w.t.filled != nil || tuple {
			return false
		}
		w.edits = append(w.edits, w.replace(from.Where(), mark))
		mark = w.text(s.expr)
	case tuple && s.plus:
		mark = `"(" + ` + mark + ` + ")"`
	}
	switch {
	case s.plus:
		w.marks[i] = mark
		return true
	case w.t.filled != nil && !w.brace(s.lit) || strings.ContainsAny(values, "\\\n\r#") || strings.Contains(values, q):
		return false
	}
	w.marks[i] = "{" + mark + "}"
	if tuple {
		w.marks[i] = "(" + w.marks[i] + ")"
	}
	return true
}

// brace makes an f-string of a literal.
func (w *writer) brace(l syntax.Literal) bool {
	prefix := w.tree.Text[l.Start:l.Body.Start]
	if strings.Trim(prefix, `rR"'`) != "" {
		return false
	}
	if !w.braced[l.Span] {
		w.braced[l.Span] = true
		w.edits = append(w.edits, w.insert(l.Start, "f"))
	}
	return true
}

// quote is one that does not end the string that a hole stands in.
func (w *writer) quote(i int) string {
	s := w.t.segments[i]
	inside := ""
	if w.t.filled != nil {
		inside = w.tree.Text[s.lit.Start:s.lit.Body.Start]
	}
	for _, open := range slices.Backward(w.t.opens) {
		if open.End <= s.span.Start {
			inside = w.tree.Slice(open)
			break
		}
	}
	if strings.HasSuffix(inside, `"`) {
		return "'"
	}
	return `"`
}

// elements is the list that a join puts between commas, or a tuple writes out;
// nil for another expression.
func (w *writer) elements(e syntax.Expr) (values syntax.Expr, tuple bool) {
	c, ok := unwrapped(e).(*syntax.Call)
	if !ok || len(c.Args) != 1 || len(c.Keywords) > 0 {
		return nil, false
	}
	switch lastName(c.Func) {
	case "tuple":
		return countable(c.Args[0]), true
	case "join":
	default:
		return nil, false
	}
	switch list := c.Args[0].(type) {
	case *syntax.Call:
		if lastName(list.Func) == "map" && len(list.Args) == 2 && lastName(list.Args[0]) == "str" {
			return countable(list.Args[1]), false
		}
	case *syntax.Comp:
		return w.each(list), false
	default:
		return countable(c.Args[0]), false
	}
	return nil, false
}

// each is the list of which a comprehension takes every element as it is, or
// between quotes.
func (w *writer) each(list *syntax.Comp) syntax.Expr {
	g := list.Generators[0]
	target, named := g.Target.(*syntax.Name)
	if !named || len(list.Generators) > 1 || len(g.Ifs) > 0 || g.Async {
		return nil
	}
	elt := unwrapped(list.Elt)
	if j, ok := elt.(*syntax.JoinedStr); ok && quotedAlone(w.text(j), target.ID) { // f"'{x}'"
		elt = target
	}
	if isName(elt, target.ID) {
		return countable(g.Iter)
	}
	return nil
}

// quotedAlone reports whether an f-string is a name and at most the quotes of
// SQL around it.
func quotedAlone(text, name string) bool {
	text = strings.Trim(strings.TrimLeft(text, "fF"), `"`)
	return text == "'{"+name+"}'" || text == "{"+name+"}"
}

// countable is a list that can be gone through twice, as far as one can see.
func countable(e syntax.Expr) syntax.Expr {
	switch e.(type) {
	case *syntax.Name, *syntax.Attribute, *syntax.List, *syntax.Tuple, *syntax.Subscript:
		return e
	}
	return nil
}

// sized are the types and functions whose values can be gone through twice.
var sized = regexp.MustCompile(`^(typing\.|collections\.abc\.)?(list|tuple|set|frozenset|dict|List|Tuple|Set|FrozenSet|Sequence|Collection)\b`)

// twice makes sure that the values can be counted and then bound: an iterator
// could not. Where it is not known, the variable becomes a list first, if nobody
// else uses it any more.
func (w *writer) twice(values syntax.Expr) bool {
	if w.effect(values) == acts {
		return false
	}
	name, ok := values.(*syntax.Name)
	switch {
	case !ok:
		if _, shown := values.(*syntax.List); shown {
			return true
		}
		if _, shown := values.(*syntax.Tuple); shown {
			return true
		}
	case w.known(name):
		return true
	case w.local(name.ID):
		if s := w.lastUse(name); s != nil {
			w.edits = append(w.edits, w.ahead(s, name.ID+" = list("+name.ID+")"))
			return true
		}
	}
	if ok && w.iterates(name) {
		return w.not(name.ID + " is an iterator that is wanted again, which has no length")
	}
	w.note = w.text(values) + " is gone through twice, which an iterator does not allow"
	return true
}

// iterates reports whether a variable, of this function or one around it, is given an
// iterator, which has no length.
func (w *writer) iterates(name *syntax.Name) bool {
	for fn := w.fn; fn != nil; fn = w.enclosing(fn) {
		for _, e := range w.scope(fn).assigns(name.ID) {
			switch v := unwrapped(e).(type) {
			case *syntax.Comp:
				if v.Kind == syntax.GeneratorExp {
					return true
				}
			case *syntax.Call:
				if iterators[lastName(v.Func)] {
					return true
				}
			}
		}
	}
	return false
}

// iterators are functions that return one.
var iterators = map[string]bool{"iter": true, "map": true, "filter": true, "zip": true, "enumerate": true, "reversed": true, "chain": true, "islice": true, "from_iterable": true}

// known reports whether a variable is surely no iterator.
func (w *writer) known(name *syntax.Name) bool {
	if w.fn == nil {
		return false
	}
	s := w.scope(w.fn)
	if a := s.params[name.ID]; a != nil && (a.Annotation == nil || !sized.MatchString(w.text(a.Annotation))) {
		return w.fn.Args.Vararg == a
	}
	values := s.assigns(name.ID)
	if len(values) == 0 && s.params[name.ID] == nil {
		return false // of an outer function, or of the file
	}
	return s.stores[name.ID] == len(values) && !slices.ContainsFunc(values, func(e syntax.Expr) bool { return !repeatable(e) })
}

// repeatable reports whether an expression gives what can be gone through twice.
func repeatable(e syntax.Expr) bool {
	switch v := e.(type) {
	case *syntax.List, *syntax.Tuple, *syntax.Set:
		return true
	case *syntax.Comp:
		return v.Kind != syntax.GeneratorExp
	case *syntax.Call:
		f := lastName(v.Func)
		return f == "sorted" || f == "split" || f == "fetchall" || f == "getlist" || sized.MatchString(f)
	}
	return false
}

// lastUse is the statement that builds the text, when it is the last that asks
// for a variable and runs once: there the variable may become a list.
func (w *writer) lastUse(name *syntax.Name) syntax.Stmt {
	if w.scope(w.fn).last[name.ID] > name.Start {
		return nil
	}
	var found syntax.Stmt
	for n := w.parent[name]; n != nil && n != syntax.Node(w.fn); n = w.parent[n] {
		switch s := n.(type) {
		case *syntax.ExprStmt, *syntax.Assign, *syntax.AnnAssign, *syntax.AugAssign, *syntax.Return:
			if found == nil {
				found = s.(syntax.Stmt)
			}
		case *syntax.For, *syntax.While, *syntax.Lambda:
			return nil
		}
	}
	return found
}

var _ finding.Mender = (*Mender)(nil)
