package syntax

// Definitions.
type (
	// FunctionDef is def or async def. Its span begins at the def; its
	// decorators come before.
	FunctionDef struct {
		Span
		Async      bool
		Name       string
		NameSpan   Span
		TypeParams []*TypeParam
		Args       *Arguments
		Returns    Expr
		Body       []Stmt
		Decorators []Expr
	}

	// ClassDef is a class. Its span begins at the keyword.
	ClassDef struct {
		Span
		Name       string
		NameSpan   Span
		TypeParams []*TypeParam
		Bases      []Expr
		Keywords   []*Keyword
		Body       []Stmt
		Decorators []Expr
	}

	// Arguments are the parameters of a function or lambda.
	Arguments struct {
		Span
		PosOnly, Args []*Arg
		Vararg        *Arg
		KwOnly        []*Arg
		KwDefaults    []Expr // one for each of KwOnly, nil where there is none
		Kwarg         *Arg
		Defaults      []Expr // of the last of PosOnly and Args
	}

	// Arg is one parameter.
	Arg struct {
		Span
		Name       string
		Annotation Expr
	}

	// TypeParam is a type parameter of a function, class or alias.
	TypeParam struct {
		Span
		Kind    TypeParamKind
		Name    string
		Bound   Expr // of a TypeVar
		Default Expr
	}

	// TypeAlias is type name[params] = value.
	TypeAlias struct {
		Span
		Name       *Name
		TypeParams []*TypeParam
		Value      Expr
	}
)

// A TypeParamKind is one of T, *T and **T.
type TypeParamKind uint8

// The kinds of type parameters.
const (
	TypeVar TypeParamKind = iota
	TypeVarTuple
	ParamSpec
)

// Simple statements.
type (
	// ExprStmt is an expression on its own: ast calls it Expr.
	ExprStmt struct {
		Span
		Value Expr
	}

	// Assign is targets[0] = targets[1] = … = value.
	Assign struct {
		Span
		Targets []Expr
		Value   Expr
	}

	// AugAssign is target op= value.
	AugAssign struct {
		Span
		Target Expr
		Op     Operator
		Value  Expr
	}

	// AnnAssign is target: annotation = value; the value may be nil.
	AnnAssign struct {
		Span
		Target, Annotation, Value Expr
	}

	// Return is return value; the value may be nil.
	Return struct {
		Span
		Value Expr
	}

	// Delete is del targets.
	Delete struct {
		Span
		Targets []Expr
	}

	// Raise is raise exc from cause; both may be nil.
	Raise struct {
		Span
		Exc, Cause Expr
	}

	// Assert is assert test, msg; msg may be nil.
	Assert struct {
		Span
		Test, Msg Expr
	}

	// Import is import names.
	Import struct {
		Span
		Names []*Alias
	}

	// ImportFrom is from module import names; Level counts leading dots.
	ImportFrom struct {
		Span
		Module string
		Names  []*Alias
		Level  int
	}

	// Alias is name as asname; AsName may be "".
	Alias struct {
		Span
		Name, AsName string
	}

	// Global is global names.
	Global struct {
		Span
		Names []string
	}

	// Nonlocal is nonlocal names.
	Nonlocal struct {
		Span
		Names []string
	}

	// Pass does nothing.
	Pass struct{ Span }

	// Break leaves a loop.
	Break struct{ Span }

	// Continue begins a loop's next round.
	Continue struct{ Span }

	// Bad is a statement that could not be read. If a block follows it, Body
	// has the block's statements.
	Bad struct {
		Span
		Body []Stmt
	}
)

// Compound statements.
type (
	// If is if test: body else: orelse. An elif is an If alone in Orelse.
	If struct {
		Span
		Test         Expr
		Body, Orelse []Stmt
	}

	// For is for target in iter: body else: orelse, or async for.
	For struct {
		Span
		Async        bool
		Target, Iter Expr
		Body, Orelse []Stmt
	}

	// While is while test: body else: orelse.
	While struct {
		Span
		Test         Expr
		Body, Orelse []Stmt
	}

	// With is with items: body, or async with.
	With struct {
		Span
		Async bool
		Items []*WithItem
		Body  []Stmt
	}

	// WithItem is context as vars; vars may be nil.
	WithItem struct {
		Span
		Context, Vars Expr
	}

	// Try is try: body, with its handlers; Star says that they are except*.
	Try struct {
		Span
		Star              bool
		Body              []Stmt
		Handlers          []*ExceptHandler
		Orelse, Finalbody []Stmt
	}

	// ExceptHandler is except type as name: body.
	ExceptHandler struct {
		Span
		Type Expr
		Name string
		Body []Stmt
	}

	// Match is match subject: cases.
	Match struct {
		Span
		Subject Expr
		Cases   []*MatchCase
	}

	// MatchCase is case pattern if guard: body.
	MatchCase struct {
		Span
		Pattern Pattern
		Guard   Expr
		Body    []Stmt
	}
)

// Patterns.
type (
	// MatchValue matches what equals a literal or dotted name.
	MatchValue struct {
		Span
		Value Expr
	}

	// MatchSingleton matches None, True or False.
	MatchSingleton struct {
		Span
		Kind ConstKind
	}

	// MatchSequence matches a sequence.
	MatchSequence struct {
		Span
		Patterns []Pattern
	}

	// MatchMapping matches a mapping; Rest is the name behind **, or "".
	MatchMapping struct {
		Span
		Keys     []Expr
		Patterns []Pattern
		Rest     string
	}

	// MatchClass matches an instance.
	MatchClass struct {
		Span
		Cls         Expr
		Patterns    []Pattern
		KwdAttrs    []string
		KwdPatterns []Pattern
	}

	// MatchStar matches the rest of a sequence; Name is "" for *_.
	MatchStar struct {
		Span
		Name string
	}

	// MatchAs binds what Pattern matches; without one it is a name or _.
	MatchAs struct {
		Span
		Pattern Pattern
		Name    string
	}

	// MatchOr matches any of several patterns.
	MatchOr struct {
		Span
		Patterns []Pattern
	}
)

func (*FunctionDef) stmt() {}
func (*ClassDef) stmt()    {}
func (*TypeAlias) stmt()   {}
func (*ExprStmt) stmt()    {}
func (*Assign) stmt()      {}
func (*AugAssign) stmt()   {}
func (*AnnAssign) stmt()   {}
func (*Return) stmt()      {}
func (*Delete) stmt()      {}
func (*Raise) stmt()       {}
func (*Assert) stmt()      {}
func (*Import) stmt()      {}
func (*ImportFrom) stmt()  {}
func (*Global) stmt()      {}
func (*Nonlocal) stmt()    {}
func (*Pass) stmt()        {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}
func (*Bad) stmt()         {}
func (*If) stmt()          {}
func (*For) stmt()         {}
func (*While) stmt()       {}
func (*With) stmt()        {}
func (*Try) stmt()         {}
func (*Match) stmt()       {}

func (*MatchValue) pattern()     {}
func (*MatchSingleton) pattern() {}
func (*MatchSequence) pattern()  {}
func (*MatchMapping) pattern()   {}
func (*MatchClass) pattern()     {}
func (*MatchStar) pattern()      {}
func (*MatchAs) pattern()        {}
func (*MatchOr) pattern()        {}
