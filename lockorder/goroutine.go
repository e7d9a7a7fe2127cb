//go:build lockorder

package lockorder

import (
	"bytes"
	"runtime"
	"strconv"
)

// A goroutine is who calls. Its number is its own for ever; its record, where
// the runtime keeps it, goes to another goroutine when it has ended, and is 0 where it is not known.
type goroutine struct {
	number uint64
	record uintptr
}

// look returns the calling goroutine and the place from which the caller of
// look, a method of a lock, was called. It is the slow way.
//
//go:noinline
func look() (me goroutine, pc uintptr) {
	var pcs [1]uintptr
	runtime.Callers(3, pcs[:])
	return goroutine{number: number()}, pcs[0]
}

// number reads the goroutine's number from the head of its stack trace.
func number() uint64 {
	var buf [64]byte
	text := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic("lockorder: this Go names goroutines in another way: " + string(buf[:]))
	}
	return n
}
