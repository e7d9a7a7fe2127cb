//go:build lockorder

package lockorder_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/lockorder"
)

type account struct{ mu lockorder.Mutex }

func transfer(from, to *account) {
	from.mu.Lock()
	to.mu.Lock()
	to.mu.Unlock()
	from.mu.Unlock()
}

//go:noinline
func together(a, b *account) { a.mu.Lock(); b.mu.Lock(); b.mu.Unlock(); a.mu.Unlock() }

//go:noinline
func opposite(a, b *account) { b.mu.Lock(); a.mu.Lock(); a.mu.Unlock(); b.mu.Unlock() }

// TestAlike: two locks that one line calls by one name are told apart.
func TestAlike(t *testing.T) {
	var x, y account
	messages, texts := hear(t, func() { transfer(&x, &y); transfer(&y, &x) })
	if len(messages) != 1 || messages[0] != "deadlock: transfer takes from.mu#1 then to.mu#2, transfer takes from.mu#2 then to.mu#1" {
		t.Fatalf("told %q", messages)
	}
	if !strings.Contains(texts[0], "T1 keeps from.mu#1 until it gets to.mu#2, which T2 keeps") {
		t.Error(texts[0])
	}
}

// TestOneLine: two locks on one line have each its own name.
func TestOneLine(t *testing.T) {
	var x, y account
	messages, _ := hear(t, func() { together(&x, &y); opposite(&x, &y) })
	if len(messages) != 1 || messages[0] != "deadlock: together takes a.mu then b.mu, opposite takes b.mu then a.mu" {
		t.Fatalf("told %q", messages)
	}
}
