package sqlinject

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A judgement is what a condition shows to be harmless: x, nil for nothing, where the
// condition holds, or, unless yes, where it does not.
type judgement struct {
	x        ir.Expr
	yes, all bool // all: each element of x, or each key where it is a mapping
}

func (w *walk) judged(test ir.Expr, s state) judgement {
	switch t := test.(type) {
	case *ir.Compare:
		if c, ok := t.Y.(*ir.Const); ok && !t.In && (c.Text == "None" || c.Text == "nil") && !c.Str {
			if m := w.matched(t.X, s); m != nil {
				return judgement{m.X, t.Not, m.All}
			}
			if x := parsed(t.X, s); x != nil {
				return judgement{x, !t.Not, false}
			}
		}
		if w.fixed(t.Y, s) {
			return judgement{t.X, !t.Not, t.All}
		}
	case *ir.Without:
		if w.fixed(t.Y, s) {
			return judgement{t.X, false, true}
		}
	case *ir.Each: // [x for x in xs if x not in names]: those that are not
		test, ok := t.If.(*ir.Compare)
		if ok && test.Not && names(t.Elem, t.Var) && names(test.X, t.Var) && w.fixed(test.Y, s) {
			return judgement{t.Over, false, true}
		}
	case *ir.Match, *ir.Var:
		if m := w.matched(t, s); m != nil {
			return judgement{m.X, true, m.All}
		}
		if v, ok := t.(*ir.Var); ok { // ok := allowed[name]
			switch kept := only(s[v.Name]).(type) {
			case *ir.Compare, *ir.Without, *ir.Each:
				return w.judged(kept, s)
			}
		}
	}
	return judgement{}
}

// withoutQuote is the variable that has none of a quote where a test holds, or does
// not: if "]" in name.
func (w *walk) withoutQuote(test ir.Expr, holds bool) (v *ir.Var, quote string) {
	t, ok := test.(*ir.Compare)
	if !ok || !t.In || t.All || holds != t.Not {
		return nil, ""
	}
	c, constant := t.X.(*ir.Const)
	v, local := t.Y.(*ir.Var)
	if !constant || !local || v.In != nil || opening[c.Text] == "" {
		return nil, ""
	}
	return v, c.Text
}

// names reports whether a value is the local variable of a name.
func names(e ir.Expr, name string) bool {
	v, ok := e.(*ir.Var)
	return ok && v.In == nil && v.Name == name
}

// only is the value of a text that is one hole.
func only(t text) ir.Expr {
	if len(t) != 1 || !t[0].hole {
		return nil
	}
	return t[0].expr
}

// matched is a value that is the match of a pattern which lets nothing through that
// means something in SQL; nil for another.
func (w *walk) matched(e ir.Expr, s state) *ir.Match {
	if v, ok := e.(*ir.Var); ok && v.In == nil {
		e = only(s[v.Name])
	}
	m, ok := e.(*ir.Match)
	if !ok || !w.narrow(m, s) {
		return nil
	}
	return m
}

// parsers are functions that give an error unless a text is a number, or the like.
var parsers = map[string]bool{
	"strconv.Atoi": true, "strconv.ParseInt": true, "strconv.ParseUint": true, "strconv.ParseFloat": true, "strconv.ParseBool": true, "uuid.Parse": true,
	"uuid.Validate": true, "netip.ParseAddr": true,
}

// parsed is the text that was parsed, where a value is the error of that.
func parsed(e ir.Expr, s state) ir.Expr {
	if v, ok := e.(*ir.Var); ok && v.In == nil {
		e = only(s[v.Name])
	}
	r, ok := e.(*ir.Result)
	if !ok || !parsers[r.Call.Name] || len(r.Call.Args) == 0 {
		return nil
	}
	return r.Call.Args[0]
}

// narrow reports whether a pattern lets only letters, digits and the like through,
// from one end to the other. One that cannot be seen is believed.
func (w *walk) narrow(m *ir.Match, s state) bool {
	text, ok := w.patternText(m.Pattern, s, 0)
	if !ok {
		return true
	}
	re, err := syntax.Parse(strings.ReplaceAll(text, `\Z`, `\z`), syntax.Perl)
	return err == nil && tame(re) && (m.Full || ended(re, m.Start))
}

// patternText is the text of a pattern.
func (w *walk) patternText(e ir.Expr, s state, depth int) (string, bool) {
	if depth > nestMax {
		return "", false
	}
	switch x := e.(type) {
	case *ir.Const:
		return x.Text, x.Str
	case *ir.Global:
		if values := w.globals[x.Name]; len(values) == 1 {
			return w.patternText(values[0].value, state{}, depth+1)
		}
	case *ir.Var:
		if e := only(s[x.Name]); e != nil && e != ir.Expr(x) {
			return w.patternText(e, s, depth+1)
		}
		return s[x.Name].constant()
	case *ir.Result:
		if strings.HasSuffix(x.Call.Name, "Compile") && len(x.Call.Args) == 1 {
			return w.patternText(x.Call.Args[0], s, depth+1)
		}
	case *ir.Unknown:
		if x.By == "re.compile" && len(x.Parts) == 1 {
			return w.patternText(x.Parts[0], s, depth+1)
		}
	}
	return "", false
}

// tame reports whether a pattern matches nothing but letters, digits, _ . : and a
// single - between others: two of them begin a comment.
func tame(re *syntax.Regexp) bool {
	fine := func(r rune) bool {
		return r == '_' || r == '.' || r == ':' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == 'ſ' || r == 'K'
	}
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpLiteral:
		return !slices.ContainsFunc(re.Rune, func(r rune) bool { return !fine(r) && !(r == '-' && len(re.Rune) == 1) })
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] > 128 {
				return false
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if !fine(r) {
					return false
				}
			}
		}
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !tame(sub) })
}

// ended reports whether a pattern holds a text at both ends; start says that it is
// held at its beginning anyway.
func ended(re *syntax.Regexp, start bool) bool {
	n := len(re.Sub)
	return re.Op == syntax.OpConcat && n > 1 && (start || re.Sub[0].Op == syntax.OpBeginText) && re.Sub[n-1].Op == syntax.OpEndText
}
