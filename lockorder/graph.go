//go:build lockorder

package lockorder

import (
	"runtime"
	"slices"
	"sync"
)

// Limits on what is remembered. Beyond them violations can be missed, and none
// is invented.
const (
	edgesMax = 1 << 15 // edges of one generation; two generations are kept
	cycleMax = 8       // locks in one cycle
	stepsMax = 20_000  // edges looked at for one new one
	stackMax = 24      // frames kept of a stack
	toldMax  = 1 << 10 // cycles told
)

// An edge is a lock taken while another was held.
type edge struct {
	from, to         uint32
	fromMode, toMode mode
	fromPC           uintptr   // where from was taken
	stack            []uintptr // where to was taken; the first is the caller of the lock's method
	who              uint64    // the goroutine
	gates            []uint32  // what else it held exclusively, sorted
}

type pair struct {
	from, to         uint32
	fromMode, toMode mode
}

// A generation is edges by where they come from.
type generation struct {
	edges int
	next  map[uint32][]*edge
}

// graph is every order seen. When a generation is full the one before is
// forgotten, so that locks that no longer are make room.
var graph struct {
	sync.Mutex
	young, old generation
	told       map[string]bool
	seen       map[[2]uintptr]bool // places, for the file of what was observed
}

func edgesFrom(id uint32) []*edge {
	return slices.Concat(graph.young.next[id], graph.old.next[id])
}

// learn files what a goroutine's wait for a lock says of the order. It tells
// of a cycle when that closes one.
func learn(who uint64, held []holding, id uint32, pc uintptr, m mode) {
	graph.Lock()
	var stack []uintptr
	var found []Violation
	for i, h := range held {
		if h.id == id {
			if v, ok := again(who, h, id, pc, m); ok {
				found = append(found, v)
			}
			continue
		}
		gates := gatesOf(held, i, id)
		if covered(h, id, m, gates) {
			continue
		}
		if stack == nil {
			stack = make([]uintptr, stackMax)
			stack = stack[:runtime.Callers(4, stack)] // behind Callers, learn, want and the lock's method
		}
		e := &edge{from: h.id, to: id, fromMode: h.mode, toMode: m, fromPC: h.pc, stack: stack, who: who, gates: gates}
		if v, ok := file(e, pc); ok {
			found = append(found, v)
		}
	}
	graph.Unlock()
	for _, v := range found {
		tell(v)
	}
}

// gatesOf are the locks held besides the i-th that keep others out.
func gatesOf(held []holding, i int, id uint32) []uint32 {
	var gates []uint32
	for j, g := range held {
		if j != i && g.mode == exclusive && g.id != id {
			gates = append(gates, g.id)
		}
	}
	slices.Sort(gates)
	return gates
}

// covered reports whether an edge is known that asks for no more gates.
func covered(h holding, id uint32, m mode, gates []uint32) bool {
	return slices.ContainsFunc(edgesFrom(h.id), func(e *edge) bool {
		return e.to == id && e.fromMode == h.mode && e.toMode == m && subset(e.gates, gates)
	})
}

func subset(x, y []uint32) bool {
	return !slices.ContainsFunc(x, func(g uint32) bool { return !slices.Contains(y, g) })
}

// file adds an edge and looks for the way back.
func file(e *edge, pc uintptr) (Violation, bool) {
	if graph.young.next == nil || graph.young.edges >= edgesMax {
		graph.old = graph.young
		graph.young = generation{next: map[uint32][]*edge{}}
	}
	graph.young.next[e.from] = append(graph.young.next[e.from], e)
	graph.young.edges++
	if graph.seen == nil {
		graph.seen = map[[2]uintptr]bool{}
	}
	if len(graph.seen) < edgesMax {
		graph.seen[[2]uintptr{e.fromPC, pc}] = true
	}
	ring := wayBack(e)
	if ring == nil || len(graph.told) >= toldMax {
		return Violation{}, false
	}
	return tellRing(ring)
}

// wayBack returns the shortest cycle that an edge closes and in which every
// goroutine can really wait, the edge first.
func wayBack(e *edge) []*edge {
	steps := 0
	for length := 2; length <= cycleMax && steps < stepsMax; length++ {
		if ring := search([]*edge{e}, length, &steps); ring != nil {
			return ring
		}
	}
	return nil
}

func search(path []*edge, length int, steps *int) []*edge {
	last := path[len(path)-1]
	for _, next := range edgesFrom(last.to) {
		if *steps++; *steps > stepsMax {
			return nil
		}
		closes := next.to == path[0].from
		switch {
		case closes && len(path)+1 == length:
			if ring := append(slices.Clone(path), next); meets(ring) {
				return ring
			}
		case !closes && len(path)+1 < length && !slices.ContainsFunc(path, func(p *edge) bool { return p.from == next.to }):
			if ring := search(append(slices.Clone(path), next), length, steps); ring != nil {
				return ring
			}
		}
	}
	return nil
}

// meets reports whether all edges can be under way at once: no gate is common
// to all. Readers count as if they kept one another out, for they do as soon as
// a writer waits between them.
func meets(ring []*edge) bool {
	gates := ring[0].gates
	for _, e := range ring {
		gates = slices.DeleteFunc(slices.Clone(gates), func(g uint32) bool { return !slices.Contains(e.gates, g) })
	}
	return len(gates) == 0
}
