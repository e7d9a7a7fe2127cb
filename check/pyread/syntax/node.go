package syntax

// A Node is any part of the tree. Its bytes are those that CPython's ast
// gives it: parentheses around an expression are not part of it, those of a
// tuple are.
type Node interface{ Where() Span }

// An Expr is an expression.
type Expr interface {
	Node
	expr()
}

// A Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// A Pattern is what a case of a match statement matches.
type Pattern interface {
	Node
	pattern()
}

// A Context says what an expression's value is used for.
type Context uint8

// The contexts. The zero one is Load.
const (
	Load Context = iota
	Store
	Del
)

// An Operator takes two operands; BoolOp, Compare and UnaryOp have their own.
type Operator uint8

// The binary operators, from + to &.
const (
	Add Operator = iota
	Sub
	Mult
	Div
	FloorDiv
	Mod
	MatMult
	Pow
	LShift
	RShift
	BitOr
	BitXor
	BitAnd
)

// A CompareOp compares two operands.
type CompareOp uint8

// The comparisons, from == to not in.
const (
	Eq CompareOp = iota
	NotEq
	Lt
	LtE
	Gt
	GtE
	Is
	IsNot
	In
	NotIn
)

// A UnaryOperator takes one operand.
type UnaryOperator uint8

// The unary operators: ~, not, + and -.
const (
	Invert UnaryOperator = iota
	Not
	UAdd
	USub
)

// A ConstKind is the type of a constant.
type ConstKind uint8

// The kinds of constants.
const (
	None ConstKind = iota
	True
	False
	Ellipsis
	Int
	Float
	Imag
	Str
	Bytes
)

// Names, constants and strings.
type (
	// Name is a variable.
	Name struct {
		Span
		ID  string
		Ctx Context
	}

	// Constant is a literal without fields. Its text is in the file; of a
	// string, File.Literals and File.StringValue know the parts and the value.
	Constant struct {
		Span
		Kind ConstKind
		form form
		more []literal // of a string of several literals: all of them
	}

	// JoinedStr is an f-string, or a t-string, with all that is joined to it by
	// juxtaposition: *Constant and *Replacement in order. A Constant stands
	// for each plain literal and for each text between fields.
	JoinedStr struct {
		Span
		Template bool
		Parts    []Expr
		Opens    []Span // prefix and opening quote of each template in it
	}

	// Replacement is a field of an f-string or t-string, braces included.
	Replacement struct {
		Span
		Value      Expr
		Source     Span // of the expression as written, up to a final "=" and with it
		Debug      bool // a final "=": the source comes before the value
		Template   bool
		Conversion byte       // 'a', 'r', 's' or 0
		Spec       *JoinedStr // after the colon, or nil
	}
)

// Operators.
type (
	// BoolOp is a chain of one of "and" and "or".
	BoolOp struct {
		Span
		Or     bool
		Values []Expr
	}

	// NamedExpr is name := value.
	NamedExpr struct {
		Span
		Target *Name
		Value  Expr
	}

	// BinOp is left op right.
	BinOp struct {
		Span
		Left  Expr
		Op    Operator
		Right Expr
	}

	// UnaryOp is op operand.
	UnaryOp struct {
		Span
		Op      UnaryOperator
		Operand Expr
	}

	// Compare is a chain of comparisons: left ops[0] comparators[0] …
	Compare struct {
		Span
		Left        Expr
		Ops         []CompareOp
		Comparators []Expr
	}

	// IfExp is body if test else orelse.
	IfExp struct {
		Span
		Test, Body, Orelse Expr
	}

	// Lambda is lambda args: body.
	Lambda struct {
		Span
		Args *Arguments
		Body Expr
	}

	// Await is await value.
	Await struct {
		Span
		Value Expr
	}

	// Yield is yield value; the value may be nil.
	Yield struct {
		Span
		Value Expr
	}

	// YieldFrom is yield from value.
	YieldFrom struct {
		Span
		Value Expr
	}
)

// Displays and comprehensions.
type (
	// Dict is a display; a nil key stands for ** before the value.
	Dict struct {
		Span
		Keys, Values []Expr
	}

	// Set is {a, b}.
	Set struct {
		Span
		Elts []Expr
	}

	// List is [a, b].
	List struct {
		Span
		Elts []Expr
		Ctx  Context
	}

	// Tuple is a, b, with parentheses if there are any.
	Tuple struct {
		Span
		Elts []Expr
		Ctx  Context
	}

	// Comp is a comprehension or a generator expression.
	Comp struct {
		Span
		Kind       CompKind
		Elt        Expr // the key, of a dictionary's
		Value      Expr // of a dictionary's, else nil
		Generators []*Comprehension
	}

	// Comprehension is one "for target in iter if ...".
	Comprehension struct {
		Span
		Async        bool
		Target, Iter Expr
		Ifs          []Expr
	}
)

// A CompKind says what a comprehension makes.
type CompKind uint8

// The comprehensions.
const (
	ListComp CompKind = iota
	SetComp
	DictComp
	GeneratorExp
)

// Trailers.
type (
	// Attribute is value.attr; Attr is the last bytes of its span.
	Attribute struct {
		Span
		Value Expr
		Attr  string
		Ctx   Context
	}

	// Subscript is value[slice].
	Subscript struct {
		Span
		Value, Slice Expr
		Ctx          Context
	}

	// Slice is lower:upper:step, each of which may be nil.
	Slice struct {
		Span
		Lower, Upper, Step Expr
	}

	// Starred is *value.
	Starred struct {
		Span
		Value Expr
		Ctx   Context
	}

	// Call is func(args, keywords). Their order in the text is that of spans.
	Call struct {
		Span
		Func     Expr
		Args     []Expr
		Keywords []*Keyword
	}

	// Keyword is arg=value in a call or class, or **value with Arg "".
	Keyword struct {
		Span
		Arg   string
		Value Expr
	}
)

func (*Name) expr()        {}
func (*Constant) expr()    {}
func (*JoinedStr) expr()   {}
func (*Replacement) expr() {}
func (*BoolOp) expr()      {}
func (*NamedExpr) expr()   {}
func (*BinOp) expr()       {}
func (*UnaryOp) expr()     {}
func (*Compare) expr()     {}
func (*IfExp) expr()       {}
func (*Lambda) expr()      {}
func (*Await) expr()       {}
func (*Yield) expr()       {}
func (*YieldFrom) expr()   {}
func (*Dict) expr()        {}
func (*Set) expr()         {}
func (*List) expr()        {}
func (*Tuple) expr()       {}
func (*Comp) expr()        {}
func (*Attribute) expr()   {}
func (*Subscript) expr()   {}
func (*Slice) expr()       {}
func (*Starred) expr()     {}
func (*Call) expr()        {}
