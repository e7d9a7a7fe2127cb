package ir

// An Expr is a value: where it is written, and what it is made of. Trees may
// share nodes; a reader that has single assignment, as Go's, need not name
// intermediate values at all.
type Expr interface {
	At() Span
	expr()
}

// Where is the span an expression embeds.
type Where struct{ Span Span }

// At returns where the expression is written.
func (w Where) At() Span { return w.Span }

func (Where) expr() {}

// The expressions.
type (
	// Const is a constant known to the reader. Text is the decoded value of a
	// string; numbers, booleans and None are as written. Adjacent literals are
	// a Concat of Consts, so that each keeps its span.
	Const struct {
		Where
		Text string
		Str  bool // it is a string, not a number, boolean or None
	}
	// Var is a local variable or parameter by name, of the function it stands
	// in, or of the enclosing function In.
	Var struct {
		Where
		Name string
		In   *Func  // nil: the function it stands in
		Of   []Expr // of a condition that is no variable of the source: what it reads
	}
	// Global is a module's or package's variable, by its full name.
	Global struct {
		Where
		Name string // shop.orders.lock_a
	}
	// Field is X.Name. Owner is the class that declares it, by its full name,
	// "" when the reader cannot tell. Closed says that every place which writes
	// it was read.
	Field struct {
		Where
		X      Expr
		Name   string
		Owner  string
		Closed bool
	}
	// Index is an element of X. Elements with the same constant key are the same. By names
	// the variable that the key is, or, when Next, is counted on from, round a ring:
	// (i+1) % n. Within one function it is "" or the same for the same value.
	Index struct {
		Where
		X, Key Expr
		By     string
		Next   bool
	}
	// New makes an object: the allocation site is its Span. Lock says whether
	// it is a lock, and Of is the lock it wraps, as Condition(lock) does.
	New struct {
		Where
		Class string // full name: threading.Lock, shop.Account
		Lock  LockKind
		Of    Expr
	}
	// FuncRef is a function as a value, with its bound receiver or captured
	// variables, which fill the callee's Params from Skip on.
	FuncRef struct {
		Where
		Func  *Func
		Bound []Expr
		Skip  int // index in Params of Bound[0]: 0 for a receiver
	}
	// Result is the Nth value a call returns.
	Result struct {
		Where
		Call *Call
		N    int
	}
	// Choice is one of several values: a conditional expression, a phi, `or`. By is the
	// variable that holds it, which is not written by this name: until an Assign to it all
	// Choices by one name are the same value. Of may be left out then, "" is none.
	Choice struct {
		Where
		Of []Expr
		By string
	}
	// Concat is strings one after another: +, an f-string, adjacent literals.
	Concat struct {
		Where
		Parts []Expr
	}
	// Format fills a template: "..." % x, "...".format(x), Sprintf. Args are
	// in order; Names, when not nil, names each: "" for positional ones, EveryName
	// for a mapping of all names that are not named otherwise.
	Format struct {
		Where
		Verbs    Verbs
		Template Expr
		Args     []Expr
		Names    []string
	}
	// Joined is Sep.join(List) or strings.Join(List, Sep).
	Joined struct {
		Where
		Sep, List Expr
	}
	// List is a list, tuple, set or mapping display; Keys is for a mapping.
	List struct {
		Where
		Elems []Expr
		Keys  []Expr
	}
	// Spread is, among the elements of a List, all elements of X: what a list
	// held before something was appended.
	Spread struct {
		Where
		X Expr
	}
	// Each is a list made from every element of Over by Elem, in which Var
	// stands for the element: a comprehension, or map. Value stands for what a
	// mapping has under it; "" for nothing. If is a condition on the element, nil
	// for none.
	Each struct {
		Where
		Over  Expr
		Var   string
		Value string
		Elem  Expr
		If    Expr
	}
	// Given is X where it is known that Test holds, or, unless Yes, that it does
	// not: a side of a conditional expression that asks for itself.
	Given struct {
		Where
		X, Test Expr
		Yes     bool
	}
	// Safe is a value that cannot carry SQL whatever X is: int(x), a number, a
	// boolean, a value looked up in a constant table.
	Safe struct {
		Where
		X   Expr   // may be nil
		Why string // "converted to int"
	}
	// Source is a value from outside the program.
	Source struct {
		Where
		From Origin
		What string // as a person reads it: request.args["id"], r.FormValue("id")
		Of   Expr   // the name of what is Stored, what an Input is read through; nil for neither
	}
	// Compare is a condition on a value that the engines understand: X == Y
	// (or, when In, X is among the constants of Y), possibly negated. All says that
	// it is of each element of X, or each key where X is a mapping.
	Compare struct {
		Where
		X, Y Expr
		In   bool
		Not  bool
		All  bool
	}
	// Match is a condition, and what is found: X matches the regular expression
	// Pattern, from its start when Start, to its other end too when Full. All is as
	// in Compare.
	Match struct {
		Where
		X, Pattern  Expr
		Start, Full bool
		All         bool
	}
	// Without is the elements of X that are not among those of Y: as a condition,
	// whether there are any.
	Without struct {
		Where
		X, Y Expr
	}
	// Unknown is any other value. Parts are the values it is made from, through
	// which what they carry flows on.
	Unknown struct {
		Where
		What  string
		Parts []Expr
		By    string // the function that makes it of the parts, as written; "" for none
		Meant bool   // By is meant to make it harmless: what it carries is not to be feared more than the unknown
	}
)

// ReadSide is the name of the pseudo-field that is a read-write lock's read
// side as a lock of its own, as Go's RLocker returns it.
const ReadSide = "<read>"

// Verbs is the language of a format's template.
type Verbs uint8

// The template languages.
const (
	PercentVerbs Verbs = iota // Python's "%s %(name)d"
	BraceVerbs                // Python's "{} {0} {name:>10}"
	GoVerbs                   // fmt's "%v %q %[1]d"
	DollarVerbs               // Python's string.Template: "$x ${x}"
)

// EveryName stands in a Format for the names that a mapping has.
const EveryName = "**"

// Origin is where a value from outside comes from.
type Origin uint8

// The origins.
const (
	HTTP        Origin = iota + 1 // a request: query, form, header, cookie, body, path
	Environment                   // an environment variable
	Arguments                     // the command line, standard input
	Input                         // a socket, a message, what a reader gives
	Stored                        // a file that the program opens by its name
	Database                      // a row read before
)

// Every makes a condition on a variable one on each element of what it goes through;
// nil for another condition. not says that it holds for what does not pass.
func Every(test Expr, name string, over Expr) (all Expr, not bool) {
	is := func(x Expr) bool { v, ok := x.(*Var); return ok && v.Name == name }
	switch t := test.(type) {
	case *Compare:
		if is(t.X) {
			return &Compare{Where: t.Where, X: over, Y: t.Y, In: t.In, Not: t.Not, All: true}, t.Not
		}
	case *Match:
		if is(t.X) {
			return &Match{Where: t.Where, X: over, Pattern: t.Pattern, Start: t.Start, Full: t.Full, All: true}, false
		}
	}
	return nil, false
}
