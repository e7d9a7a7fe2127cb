package observed

import (
	"os"
	"testing"

	"github.com/penstock-io/penstock/lockorder"
)

func TestMain(m *testing.M) { os.Exit(lockorder.Run(m)) }

// Two pairs: no lock is in both orders, so the run alone shows nothing wrong.
func TestStore(t *testing.T) {
	one := &Store{index: &Index{}}
	one.Put()
	other := &Store{index: &Index{}}
	other.index.store = other
	other.index.Drop()
}
