//go:build lockorder

package lockorder

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

var lockCall = regexp.MustCompile(`([^ \t(;{!&]+)\.(?:Lock|RLock|TryLock|TryRLock)\(\)`)

// written is the lock as the source line names it: s.mu in s.mu.Lock(). Of
// several on one line it is told which, once each of them was seen.
func (s spot) written(pc uintptr) string {
	unknown := "the lock of " + s.String()
	text, err := os.ReadFile(s.file)
	lines := strings.Split(string(text), "\n")
	if err != nil || s.line < 1 || s.line > len(lines) {
		return unknown
	}
	calls := lockCall.FindAllStringSubmatch(lines[s.line-1], -1)
	switch len(calls) {
	case 0:
		return unknown
	case 1:
		return calls[0][1]
	}
	there := s.beside(pc)
	if i := slices.Index(there, pc); len(there) == len(calls) && i >= 0 {
		return calls[i][1]
	}
	return "a lock of " + s.String()
}

// beside are the places of the same line and function at which locks were seen to
// be taken, in the order of the program.
func (s spot) beside(pc uintptr) []uintptr {
	out := []uintptr{pc}
	within := runtime.FuncForPC(pc - 1)
	for pair := range graph.seen {
		for _, p := range pair {
			if f := runtime.FuncForPC(p - 1); f == nil || within == nil || f.Entry() != within.Entry() {
				continue
			}
			if frame, _ := runtime.CallersFrames([]uintptr{p}).Next(); frame.File == s.file && frame.Line == s.line {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// spots are where each edge of a cycle took its locks. Where one name stands for
// two locks, each lock has a number behind its name.
func spots(ring []*edge) [][2]spot {
	out := make([][2]spot, len(ring))
	ids := map[string][]uint32{} // by name
	var order []uint32
	note := func(s spot, id uint32) {
		if !slices.Contains(ids[s.lock], id) {
			ids[s.lock] = append(ids[s.lock], id)
		}
		if !slices.Contains(order, id) {
			order = append(order, id)
		}
	}
	for i, e := range ring {
		out[i] = [2]spot{at(e.fromPC), at(e.stack[0])}
		note(out[i][0], e.from)
		note(out[i][1], e.to)
	}
	alike := false
	for _, of := range ids {
		alike = alike || len(of) > 1
	}
	for i, e := range ring {
		if alike {
			out[i][0].lock += fmt.Sprintf("#%d", slices.Index(order, e.from)+1)
			out[i][1].lock += fmt.Sprintf("#%d", slices.Index(order, e.to)+1)
		}
	}
	return out
}
