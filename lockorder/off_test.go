//go:build !lockorder

package lockorder_test

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/penstock-io/penstock/lockorder"
)

// TestOff: without the tag the locks are sync's own, and nothing is watched.
func TestOff(t *testing.T) {
	var m lockorder.Mutex
	var rw lockorder.RWMutex
	var _ *sync.Mutex = &m
	var _ *sync.RWMutex = &rw
	if lockorder.Enabled {
		t.Error("enabled without the tag")
	}
	lockorder.Fail(t)
	lockorder.OnViolation(func(lockorder.Violation) { t.Error("a violation") })()
	if lockorder.WriteObserved(&bytes.Buffer{}) == nil {
		t.Error("what nobody observed was written without a word")
	}
}

// TestOn runs this package's tests with the tag, and for a test under the race
// detector under it, too.
func TestOn(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds the tests again, with the tag; run without -short")
	}
	args := append([]string{"test", "-count=1", "-tags", "lockorder"}, raceFlag...)
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Env = append(os.Environ(), lockorder.ObservedEnv+"=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
