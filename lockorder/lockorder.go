// Package lockorder has mutexes that watch the order in which they are taken.
//
// Write lockorder.Mutex where you would write sync.Mutex. Built as usual it is
// sync.Mutex, by a type alias, and costs nothing. Built with the tag lockorder,
//
//	go test -tags lockorder ./...
//
// each lock taken while another is held is an edge from the one to the other,
// and the first cycle of such edges is told with the stacks of all its edges,
// though nothing has hung yet: the two orders need not meet in time.
//
//	func TestMain(m *testing.M) { os.Exit(lockorder.Run(m)) } // fails the tests
//
// What is watched is single locks: two mutexes of one type are two locks. A cycle
// whose edges are all taken under one common lock is none, a TryLock waits for
// nobody, and readers of an RWMutex wait for one another, as they do once a writer
// stands between them. A goroutine that takes a lock which it still holds is told
// before it waits, so that a test fails and does not hang: also where another goroutine
// was to give the lock back, as in mu.Lock(); go mu.Unlock(); mu.Lock(). A lock
// that is handed over so is a signal: use a channel, or a sync.Mutex. What a run has seen of the order goes, with the environment variable
// LOCKORDER_OBSERVED, to a file that `penstock check --observed` joins with what
// it reads in the source.
package lockorder

// A Violation is an order of locks in which goroutines can come to wait for one
// another for ever.
type Violation struct {
	Message string // what was taken in which order, in one line
	Text    string // the message, the interleaving, why neither can go on, and the stacks; lines end with \n
}

// TB is what Fail needs of a testing.TB.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(f func())
}

// ObservedEnv is the environment variable that names the file to which Run
// appends what it has seen. Give a full path: each package's tests run in a
// folder of their own.
const ObservedEnv = "LOCKORDER_OBSERVED"
