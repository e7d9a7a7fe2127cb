// Package ir is the one small language both readers of the checker speak:
// Python and Go are lowered into it, and the engines know nothing else.
//
//	p := &ir.Program{}
//	f := p.AddFunc("shop.task1", "task1", span) // a reader fills f.Blocks
//	f.Blocks = []*ir.Block{{Ops: []ir.Op{
//		&ir.Acquire{Span: at, Lock: &ir.Global{Name: "shop.lock_a"}},
//	}}}
//
// A function is a graph of blocks; a block is a list of operations in the order
// they run. Only what the engines ask about is there: locks taken and given
// back, calls, threads started and joined, values moved about, SQL sent to a
// driver. Everything else is left out, or is an Unknown value.
//
// Values are trees of Expr. A reader does not resolve aliases: it writes
// Assign, and the engines follow. It does resolve names to functions as well as
// it can, and says whether it is sure.
//
// Every operation and every expression has a byte-exact Span, because fixes
// are made of spans.
package ir

// A Program is everything that was read, in any number of languages.
type Program struct {
	Files []*File
	Funcs []*Func
	Tops  []*Func // the module bodies, in the order they run; also in Funcs

	// Indirect are the names of members that objects are given in other ways than by
	// an Assign: properties, defaults of classes, named tuples, options.
	Indirect map[string]bool
}

// AddFunc adds an empty function with an identity that is unique in the
// program and the name a person reads.
func (p *Program) AddFunc(id, name string, at Span) *Func {
	f := &Func{ID: id, Name: name, Span: at}
	p.Funcs = append(p.Funcs, f)
	return f
}

// Entry says how a function can be entered from outside the program read.
// The zero Entry: only by the calls that are seen.
type Entry uint8

// The entries. Concurrency is judged from them: two different roots, or one
// that may run twice at once, are two threads.
const (
	Inner   Entry = iota // only by calls and starts that are seen
	Init                 // once, before any thread starts: init, a module body, a package variable
	Main                 // once: main, an `if __name__ == "__main__"` body
	API                  // exported: assumed to be called by many threads at once
	Handler              // certainly called by many threads at once: an HTTP handler, a request view
	Test                 // once, by a test runner
)

// A Func is one function, method, closure or module body.
type Func struct {
	ID       string   // unique in the program: shop.orders.Account.transfer
	Name     string   // as a person reads it: Account.transfer, (*Store).Get
	Span     Span     // the whole declaration
	Params   []string // names, receiver or self first; then, for a Go closure, its captured variables
	Defaults []Expr   // of the Params, by their index: what stands for one that a call leaves out; nil entries for none
	Entry    Entry
	Outer    *Func    // the function it is nested in, whose variables it may name
	Blocks   []*Block // Blocks[0] is where it starts
	Class    string   // the class or receiver type it is a method of, "" for none
	Maker    bool     // builds the receiver, which nobody else sees yet: __init__, a constructor

	// Elsewhere says that the program uses the function as a value, or calls it in
	// a way that does not tell its arguments: not all that it is given is seen.
	Elsewhere bool
	// Script says that it stands in a file that is run and that nothing else that was
	// read imports: all calls of it are seen.
	Script bool
	// Idle says that it is given to a thread that is made and never started.
	Idle bool
}

// A Block is a run of operations and where control goes next: nowhere, to
// Next[0], to Next[0] when If holds and Next[1] when not, or, with no If, to any.
type Block struct {
	Ops  []Op
	Next []*Block
	If   Expr // nil unless there are exactly two Next, chosen by it
	Ends bool // with no Next: the caller never goes on normally, as after panic, raise or exit
}

// An Op is one operation: *Assign, *Acquire, *Release, *Hand, *Call, *Start, *Join,
// *Wait, *Query or *Return.
type Op interface {
	At() Span
	op()
}

// Mode is how a lock is taken. The zero Mode is exclusive.
type Mode uint8

// The modes.
const (
	Exclusive Mode = iota
	Shared         // the read side of a read-write lock
)

// LockKind is what kind of lock an object is.
type LockKind uint8

// The kinds of locks.
const (
	NoLock    LockKind = iota // in New: no lock; in Acquire: not known here, ask the object's New
	Plain                     // taking it twice blocks forever
	Reentrant                 // its holder may take it again
	ReadWrite                 // many readers or one writer; a waiting writer stops new readers
	Semaphore                 // counts: never the cause of a certain finding
	Async                     // blocks a task, not a thread: asyncio.Lock
)

// Acquire takes a lock, waiting for it as long as it takes unless Try.
type Acquire struct {
	Span Span     // the call or, in a with statement, the item
	Stmt Span     // the whole statement, a with statement including its body
	Lock Expr     // the lock object
	Kind LockKind // NoLock when only the object's New can tell, as in `with x:`
	Mode Mode
	Try  bool // gives up at once or after a time: cannot block forever
	OK   Expr // what is true when a Try has succeeded, nil if unknown

	// Awaits says that its holder, a task, lets others run meanwhile.
	Awaits bool
}

// Release gives a lock back.
type Release struct {
	Span Span
	Lock Expr
	Kind LockKind // as in Acquire
	Mode Mode
}

// Hand gives the release of a lock to somebody else: go mu.Unlock(),
// Thread(target=lock.release). When he does it is not known.
type Hand struct {
	Span Span
	Lock Expr
	Kind LockKind // as in Acquire
}

// Wait is a condition's wait: it gives Lock back, sleeps, and takes it again.
type Wait struct {
	Span Span
	Lock Expr
	Kind LockKind // as in Acquire
}

// A Call is an operation and, through Result, a value.
type Call struct {
	Span    Span
	Name    string  // as written, for messages: self.store.put
	Callees []*Func // what it may call; empty when nothing of it was read
	Sure    bool    // Callees is exact: not guessed by name, nor one of several
	Fun     Expr    // the called value when it is one that flows: a parameter, a variable; may be nil
	Args    []Expr  // in the order of the callee's Params, receiver first; nil entries are not known

	Signal Signal // what it does to others through On
	On     Expr   // a channel, an event, a queue; nil when Signal is None
}

// Signal is what a call does for others to go on, or waits for. The zero Signal is none.
type Signal uint8

// The signals.
const (
	None    Signal = iota
	Receive        // waits until somebody sends, or lets go
	Send           // lets one go on that receives; waits for him when the channel keeps nothing
	Take           // receives without waiting
	Let            // lets those go on that receive, without waiting
)

// Channel and Rendezvous are the classes of channels; the second keeps nothing, so that who
// sends waits for who receives.
const (
	Channel    = "chan"
	Rendezvous = "chan, unbuffered"
)

// Start runs a call on a new thread, task or goroutine.
type Start struct {
	Span Span
	Call *Call
	Many bool // may start several at once: in a loop, a pool's map

	// Worker names the only thread that runs all starts of the same name, one after
	// the other: a pool of one. "" when each has its own.
	Worker string
	// Process says that it runs in a process of its own: of what both could hold it
	// shares only the locks that are made for that.
	Process bool
}

// Join waits for threads to end: Thread.join, WaitGroup.Wait, leaving an
// executor's with statement.
type Join struct {
	Span Span
	What string // as written, for messages
	Of   Span   // of the start of the one that ends; nowhere when What must do
	Try  bool   // for a time only
}

// Assign moves a value: To is a *Var, *Global, *Field or *Index.
type Assign struct {
	Span  Span
	To    Expr
	Value Expr
}

// Return ends the function with values, which may be nil entries.
type Return struct {
	Span   Span
	Values []Expr
}

// Style is how a driver writes a bound parameter.
type Style uint8

// The parameter styles.
const (
	NoStyle    Style = iota // not known: a finding gets advice but no automatic fix
	Qmark                   // ?
	Percent                 // %s
	Dollar                  // $1
	Named                   // :name, arguments in a mapping
	AtP                     // @p1
	ColonIndex              // :1
)

// Query sends SQL to a driver: the sink of the taint engine.
type Query struct {
	Span   Span   // the call
	Driver string // sqlite3, psycopg, database/sql + pgx, ...; "" when not known
	Style  Style
	Method string // execute, executemany, QueryRowContext
	SQL    Expr   // the text
	Args   Expr   // the bound arguments as written: a *List when they are apart, nil when there are none
	Many   bool   // Args is a list of argument rows: executemany
	ByName bool   // it is taken for a driver's by the name of what it is called on
}

// At returns where the operation is written.
func (o *Acquire) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Release) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Hand) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Wait) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Call) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Start) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Join) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Assign) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Return) At() Span { return o.Span }

// At returns where the operation is written.
func (o *Query) At() Span { return o.Span }

func (*Acquire) op() {}
func (*Release) op() {}
func (*Hand) op()    {}
func (*Wait) op()    {}
func (*Call) op()    {}
func (*Start) op()   {}
func (*Join) op()    {}
func (*Assign) op()  {}
func (*Return) op()  {}
func (*Query) op()   {}
