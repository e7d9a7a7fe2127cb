//go:build lockorder && (amd64 || arm64)

package lockorder_test

import (
	"runtime"
	"testing"

	"github.com/penstock-io/penstock/lockorder"
)

// TestQuick: this version of Go keeps a goroutine's number where it can be read.
func TestQuick(t *testing.T) {
	if !lockorder.Quick() {
		t.Errorf("the fast way to a goroutine's number was not found on %s", runtime.Version())
	}
}

// TestSlowly: the documented ways lead to the same.
func TestSlowly(t *testing.T) {
	defer lockorder.Slowly()()
	t.Run("two tasks", TestTwoTasks)
	t.Run("quiet", TestQuiet)
	t.Run("told", TestTold)
}

// TestNoAllocations: in the long run a lock allocates nothing.
func TestNoAllocations(t *testing.T) {
	var a, b lockorder.Mutex
	var rw lockorder.RWMutex
	round := func() {
		a.Lock()
		b.Lock()
		rw.RLock()
		rw.RUnlock()
		b.Unlock()
		a.Unlock()
	}
	round()
	if got := testing.AllocsPerRun(100, round); got != 0 {
		t.Errorf("%v allocations a round", got)
	}
}
