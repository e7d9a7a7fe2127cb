// Package dump reads what a hung process says of its threads.
//
//	threads, err := dump.Read(file)
//
// It knows the forms that come without any preparation: Go's goroutine dump
// (SIGQUIT, a fatal error, /debug/pprof/goroutine?debug=2, and debug=1), Python's
// faulthandler, and py-spy dump.
package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Thread is one thread, goroutine or group of goroutines of a dump.
type Thread struct {
	Name   string  // goroutine 18; Thread-1 (task1)
	State  string  // what the dump says it does: sync.Mutex.Lock, 5 minutes; idle; "" if nothing
	Frames []Frame // innermost first, without those inside the lock library
	Wait   Wait
	Addr   string // of the lock it waits for; "" when the dump does not tell
	Count  int    // goroutines that stand alike, at least 1
}

// Wait is what a thread waits for, as far as its frames in the lock library
// tell. The zero Wait is none, or none that is known.
type Wait uint8

// The waits.
const (
	Unknown   Wait = iota // the innermost line decides: Python's locks leave no frame
	Lock                  // a lock, to have it alone
	ReadLock              // a lock, to read
	OtherWait             // something else than a lock: a channel, a condition, a thread's end
)

// A Frame is a call under way.
type Frame struct {
	Function string
	File     string
	Line     int

	argument string // of a function of a lock: the lock's address
}

// SizeMax is how much of a dump is read, in bytes.
const SizeMax = 256 << 20

// ErrForm is a text that is none of the known dumps.
var ErrForm = errors.New("this is no dump of threads that is known: a goroutine dump (SIGQUIT, or /debug/pprof/goroutine?debug=2), Python's faulthandler, or py-spy dump")

// Read reads a dump of any known form.
func Read(r io.Reader) ([]Thread, error) {
	text, err := io.ReadAll(io.LimitReader(r, SizeMax+1))
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	if len(text) > SizeMax {
		return nil, fmt.Errorf("read the dump: it is longer than %d MB", SizeMax>>20)
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	lines := strings.Split(string(text), "\n")
	var threads []Thread
	for _, form := range []func([]string) []Thread{goroutines, profile, faulthandler, pyspy} {
		if found := form(lines); len(found) > len(threads) {
			threads = found
		}
	}
	if len(threads) == 0 {
		return nil, ErrForm
	}
	return gather(threads), nil
}

// alikeMax is how many threads that stand alike are kept apart: they may hold
// different objects, and thousands of them say no more than a few.
const alikeMax = 4

// gather counts threads that stand alike, beyond the first few, as one.
func gather(threads []Thread) []Thread {
	var out []Thread
	alike := map[string][]int{} // places in out
	for _, t := range threads {
		key := fmt.Sprint(t.Wait, t.Frames)
		if at := alike[key]; len(at) == alikeMax {
			out[at[alikeMax-1]].Count += t.Count
			continue
		}
		alike[key] = append(alike[key], len(out))
		out = append(out, t)
	}
	return out
}

// base is the last element of a path.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }
