package nested

import "sync"

var (
	c, d sync.Mutex
	n    int
)

// with calls one of two closures: which of them under d is not followed, so a
// double lock is possible at most.
func with(l sync.Locker, f func()) {
	l.Lock() // want possible double-lock: ...takes d, which it holds since line 13
	defer l.Unlock()
	f()
}

func Nested() {
	with(&c, func() {
		with(&d, func() { n++ })
	})
}
