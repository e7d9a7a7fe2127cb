package sqlinject

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// tracedMax is how many values are looked at for one hole. Beyond them it counts
// as escaped: nothing is mended that was not seen to its end.
const tracedMax = 5000

// A tracer follows a value back to where it comes from, on all ways at once:
// through every assignment, every caller and every answer of the program. It asks
// not whether a value is to be feared, but whether the program made it for
// standing in SQL: then it is another value when it is bound.
type tracer struct {
	*analysis
	made finding.Making
	seen map[node]bool
	left int // values that may still be looked at
}

// A node is a place where values meet: a variable, a parameter, a field, an answer.
type node struct {
	of   *ir.Func
	name string
	nth  int
}

// making is what the program made of what stands at a span of a function.
func (a *analysis) making(fn *ir.Func, at ir.Span) (finding.Making, bool) {
	e := a.written(fn)[at]
	if e == nil {
		return finding.Making{}, false
	}
	t := &tracer{analysis: a, seen: map[node]bool{}, left: tracedMax}
	t.value(fn, e)
	return t.made, true
}

// written are the values that a function writes, by where they stand.
func (a *analysis) written(fn *ir.Func) map[ir.Span]ir.Expr {
	if m := a.spans[fn]; m != nil {
		return m
	}
	m, seen := map[ir.Span]ir.Expr{}, map[ir.Expr]bool{}
	var note func(e ir.Expr)
	note = func(e ir.Expr) {
		if e == nil || seen[e] {
			return
		}
		seen[e] = true
		if at := e.At(); at.Known() && m[at] == nil {
			m[at] = e
		}
		for _, part := range partsOf(e) {
			note(part)
		}
	}
	for _, b := range fn.Blocks {
		for _, op := range b.Ops {
			for _, e := range valuesOf(op) {
				note(e)
			}
		}
	}
	a.spans[fn] = m
	return m
}

// valuesOf are the values that an operation names.
func valuesOf(op ir.Op) []ir.Expr {
	switch o := op.(type) {
	case *ir.Assign:
		return []ir.Expr{o.Value}
	case *ir.Query:
		return []ir.Expr{o.SQL, o.Args}
	case *ir.Call:
		return o.Args
	case *ir.Return:
		return o.Values
	}
	return nil
}

// partsOf are the values that a value is made of as it is written.
func partsOf(e ir.Expr) []ir.Expr {
	switch x := e.(type) {
	case *ir.Concat:
		return x.Parts
	case *ir.Format:
		return append(x.Args[:len(x.Args):len(x.Args)], x.Template)
	case *ir.Joined:
		return []ir.Expr{x.List, x.Sep}
	case *ir.Choice:
		return x.Of
	case *ir.Given:
		return []ir.Expr{x.X}
	case *ir.List:
		return x.Elems
	case *ir.Spread:
		return []ir.Expr{x.X}
	case *ir.Each:
		return []ir.Expr{x.Over, x.Elem}
	case *ir.Index:
		return []ir.Expr{x.X}
	case *ir.Safe:
		return []ir.Expr{x.X}
	case *ir.Unknown:
		return x.Parts
	case *ir.Match:
		return []ir.Expr{x.X}
	case *ir.Without:
		return []ir.Expr{x.X}
	case *ir.Result:
		return x.Call.Args
	}
	return nil
}

// value follows one value, written in fn.
func (t *tracer) value(fn *ir.Func, e ir.Expr) {
	if e == nil || t.made.Escaped {
		return
	}
	if t.left--; t.left < 0 {
		t.made.Escaped = true
		return
	}
	switch x := e.(type) {
	case *ir.Const:
		t.literal(x)
		return
	case *ir.Var:
		t.variable(fn, x)
		return
	case *ir.Global:
		if t.once(node{name: "global " + x.Name}) {
			t.stored(t.globals[x.Name])
			t.stored(t.filled[x.Name])
		}
		return
	case *ir.Field:
		t.field(x)
		return
	case *ir.Result:
		t.answer(fn, x)
		return
	case *ir.FuncRef:
		t.returned(x.Func, 0)
		return
	case *ir.New:
		t.via(x.Class)
		return
	case *ir.Source:
		t.made.Escaped = t.made.Escaped || x.From == ir.Database && quotingSQL.MatchString(x.What)
		return
	case *ir.Safe:
		t.made.Escaped = t.made.Escaped || strings.Contains(x.Why, "quoted")
		t.made.SQL = t.made.SQL || strings.Contains(x.Why, "looked up")
		return
	case *ir.Format:
		t.format(fn, x)
		return
	case *ir.Joined:
		t.joined(fn, x)
		return
	case *ir.Unknown:
		t.unknown(fn, x)
		return
	}
	for _, part := range partsOf(e) {
		t.value(fn, part)
	}
}

// via notes a way on which the value may have come that is not followed.
func (t *tracer) via(what string) { t.made.Via = cmp.Or(t.made.Via, what) }

func (t *tracer) once(n node) bool {
	if t.seen[n] {
		return false
	}
	t.seen[n] = true
	return true
}

var number = regexp.MustCompile(`^\s*-?\d+(\.\d+)?\s*$`)

// literal is text that the program wrote out.
func (t *tracer) literal(x *ir.Const) {
	if !x.Str || x.Text == "" {
		return
	}
	t.made.SQL = t.made.SQL || !number.MatchString(x.Text)
	t.made.Escaped = t.made.Escaped || strings.ContainsAny(x.Text, `'"\`+"`")
}

func (t *tracer) variable(fn *ir.Func, x *ir.Var) {
	if x.In != nil {
		fn = x.In
	}
	for ; fn != nil; fn = fn.Outer {
		if t.named(fn, x.Name) {
			return
		}
	}
}

// named follows all that a function's variable is given; false when it has none
// of that name.
func (t *tracer) named(fn *ir.Func, name string) bool {
	if !t.once(node{fn, name, 0}) {
		return true
	}
	found := false
	for _, st := range t.assigned(fn)[name] {
		t.value(st.fn, st.value)
		found = true
	}
	for i, p := range fn.Params {
		if p == name {
			t.param(fn, i)
			found = true
		}
	}
	return found
}

// param follows what callers pass, and what stands for what they leave out. A
// call that may mean the function by its name only can show that it escapes.
func (t *tracer) param(fn *ir.Func, i int) {
	if i < len(fn.Defaults) && fn.Defaults[i] != nil {
		t.value(cmp.Or(fn.Outer, fn), fn.Defaults[i])
	}
	if fn.Elsewhere && fn.Entry != ir.Handler {
		t.via(fn.Name)
	}
	for _, c := range t.callers[fn] {
		if i < len(c.call.Args) {
			t.value(c.fn, c.call.Args[i])
		}
	}
	before := t.made
	for _, c := range t.guessed(fn) {
		for _, arg := range c.call.Args {
			t.value(c.fn, arg)
		}
	}
	before.Escaped = t.made.Escaped
	t.made = before
}

// guessedMax is how many calls of one name may mean a function. More belong to
// something that has the name of a list's or a dictionary's method.
const guessedMax = 32

// guessed are the calls of something unknown by the name of a function.
func (t *tracer) guessed(fn *ir.Func) []caller {
	if list := t.loose[last(fn.Name)]; len(list) <= guessedMax {
		return list
	}
	return nil
}

func (t *tracer) field(x *ir.Field) {
	if t.program.Indirect[x.Name] {
		t.via(x.Name)
	}
	key := x.Owner + "." + x.Name
	if !t.once(node{name: "field " + key}) {
		return
	}
	if x.Owner != "" && x.At().File != nil && x.At().File.Lang == ir.Go {
		t.stored(t.stores[key])
		return
	}
	for name, list := range t.stores {
		if strings.HasSuffix(name, "."+x.Name) {
			t.stored(list)
		}
	}
	t.stored(t.filled["."+x.Name])
}

func (t *tracer) stored(list []store) {
	for _, st := range list {
		t.value(st.fn, st.value)
	}
}

// answer follows a call to what the functions it may mean return.
func (t *tracer) answer(fn *ir.Func, x *ir.Result) {
	if len(x.Call.Callees) == 0 {
		t.called(fn, x.Call.Name, x.Call.Args)
		return
	}
	t.made.Escaped = t.made.Escaped || escapes(x.Call.Name)
	for _, callee := range x.Call.Callees {
		t.returned(callee, x.N)
	}
}

// returned follows the nth value that a function returns.
func (t *tracer) returned(callee *ir.Func, n int) {
	if !t.once(node{callee, "", n}) {
		return
	}
	for _, r := range t.returns(callee) {
		if n < len(r.Values) {
			t.value(callee, r.Values[n])
		}
	}
}

// called is what a function makes that was not read.
func (t *tracer) called(fn *ir.Func, name string, args []ir.Expr) {
	short := strings.ToLower(last(name))
	constant := true
	for i, arg := range args {
		receiver := i == 0 && arg != nil && strings.HasPrefix(name, arg.At().Text()+".")
		c, ok := arg.(*ir.Const)
		constant = constant && (receiver || ok)
		if ok && !defaulting[short] {
			t.made.Escaped = t.made.Escaped || c.Str && strings.ContainsAny(c.Text, `'"\`)
			continue
		}
		if f, ok := arg.(*ir.Unknown); ok && len(f.Parts) == 0 && escapes(f.What) {
			t.made.Escaped = true // map(repr, names)
		}
		t.value(fn, arg)
	}
	switch {
	case escapes(name) && !(strings.HasPrefix(short, "replace") && t.harmlessReplace(args)):
		t.made.Escaped = true
	case short == "join" || short == "format":
		t.made.SQL = true
	case t.made.By == "" && !constant && !calm[short]:
		t.made.By = name
	}
}

// harmlessReplace reports whether constants without quotes replace one another.
func (t *tracer) harmlessReplace(args []ir.Expr) bool {
	n := 0
	for _, arg := range args {
		if c, ok := arg.(*ir.Const); ok && !strings.ContainsAny(c.Text, `'"\`) {
			n++
		}
	}
	return n >= 2
}

func (t *tracer) unknown(fn *ir.Func, x *ir.Unknown) {
	if x.By != "" {
		t.called(fn, x.By, x.Parts)
		return
	}
	for _, part := range x.Parts {
		t.value(fn, part)
	}
}

func (t *tracer) format(fn *ir.Func, x *ir.Format) {
	if c, ok := x.Template.(*ir.Const); ok {
		verbs := verbsOf[x.Verbs]
		for _, verb := range verbs.FindAllString(c.Text, -1) {
			t.made.Escaped = t.made.Escaped || verb == "%q" || verb == "%r" || strings.Contains(verb, "!r")
		}
		rest := *c
		rest.Text = verbs.ReplaceAllString(c.Text, "")
		t.literal(&rest)
	} else {
		t.value(fn, x.Template)
		t.made.SQL = true
	}
	for _, arg := range x.Args {
		t.value(fn, arg)
	}
}

// joined is a list in a text. Of one that puts quotes around each element the
// elements count.
func (t *tracer) joined(fn *ir.Func, x *ir.Joined) {
	t.made.SQL = true
	if c, ok := x.Sep.(*ir.Const); !ok || strings.ContainsAny(c.Text, `'"\`) {
		t.made.Escaped = true
	}
	if each, ok := x.List.(*ir.Each); ok && surrounds(each.Elem, each.Var) {
		t.value(fn, each.Over)
		return
	}
	t.value(fn, x.List)
}

// surrounds reports whether an element is a variable between two quotes.
func surrounds(e ir.Expr, name string) bool {
	c, ok := e.(*ir.Concat)
	if !ok || len(c.Parts) != 3 {
		return false
	}
	before, ok1 := c.Parts[0].(*ir.Const)
	behind, ok2 := c.Parts[2].(*ir.Const)
	x, ok3 := c.Parts[1].(*ir.Var)
	return ok1 && ok2 && ok3 && before.Text == "'" && behind.Text == "'" && x.Name == name
}

// escapes reports whether a function by its name makes text for standing in SQL.
func escapes(name string) bool {
	name = last(name)
	return escaping.MatchString(name) && !undoing.MatchString(name)
}

var (
	escaping = regexp.MustCompile(`(?i)escape|quote|saniti[sz]e|^esc$|^esc_|_esc$|^replace(all)?$|^translate$|^repr$|^ascii$|^adapt$|^mogrify$|literal`)
	undoing  = regexp.MustCompile(`(?i)^(query|path)?un(quote|escape)`)
)

// quotingSQL finds a function of SQL whose answer is text for standing in SQL.
var quotingSQL = regexp.MustCompile(`(?i)\b(quote\w*|printf|format)\s*\(`)

// last is the last part of a dotted name.
func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// defaulting are functions whose constant arguments may be what they return.
var defaulting = words("get getenv pop setdefault getattr or coalesce max min next sprint sprintln append concat")

// calm are functions, by their last name in lower case, that leave a text's quotes
// as they are, or make none.
var calm = words(`strip lstrip rstrip lower upper title capitalize casefold swapcase split rsplit splitlines partition rpartition zfill ljust rjust
	center encode decode get getlist getall pop items keys values group groups groupdict hexdigest digest isoformat strftime strptime read readline
	readlines loads load json first one scalar fetchone fetchall fetchmany date time max min int float str bytes trimspace trim trimprefix trimsuffix
	trimleft trimright tolower toupper fields itoa formatint formatuint formatfloat sprint sprintln text param params formvalue postformvalue query
	pathvalue getattr getenv next iter sorted reversed list tuple set dict b64decode md5 sha1 sha256 unquote unquote_plus queryunescape pathunescape
	unescape basename dirname base abspath removeprefix removesuffix expandtabs copy deepcopy clone match search fullmatch findall setdefault or sum abs
	round len range enumerate zip map filter any all cast parse parse_args normalize wait_for gather header cookie fromisoformat fromtimestamp splitn cut
	readall readfile marshal unmarshal decodestring encodetostring string bool uuid uuid4 ip atoi parseint parseuint parsefloat`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}
