//go:build !lockorder

package lockorder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Enabled reports whether the program was built with the tag lockorder.
const Enabled = false

// Mutex is sync.Mutex.
type Mutex = sync.Mutex

// RWMutex is sync.RWMutex.
type RWMutex = sync.RWMutex

// OnViolation does nothing without the tag lockorder.
func OnViolation(func(Violation)) (restore func()) { return func() {} }

// Fail does nothing without the tag lockorder.
func Fail(TB) {}

// Run runs a package's tests; without the tag lockorder nothing is watched.
func Run(m interface{ Run() int }) int {
	if file := os.Getenv(ObservedEnv); file != "" {
		fmt.Fprintf(os.Stderr, "lockorder: nothing goes to %s: build with -tags lockorder\n", file)
	}
	return m.Run()
}

// WriteObserved fails without the tag lockorder.
func WriteObserved(io.Writer) error {
	return errors.New("nothing was observed: build with -tags lockorder")
}
