//go:build lockorder

package lockorder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// Run runs a package's tests and makes them fail when an order was violated. It
// appends what was seen to the file of LOCKORDER_OBSERVED, if there is one.
//
//	func TestMain(m *testing.M) { os.Exit(lockorder.Run(m)) }
func Run(m interface{ Run() int }) int {
	var told atomic.Int64
	restore := OnViolation(func(v Violation) {
		told.Add(1)
		fmt.Fprint(os.Stderr, v.Text)
	})
	code := m.Run()
	restore()
	if file := os.Getenv(ObservedEnv); file != "" {
		if err := appendObserved(file); err != nil {
			fmt.Fprintln(os.Stderr, "lockorder:", err)
			code = max(code, 1)
		}
	}
	if told.Load() > 0 {
		fmt.Fprintf(os.Stderr, "FAIL: %d lock orders that can deadlock\n", told.Load())
		code = max(code, 1)
	}
	return code
}

// appendObserved adds to a file that other processes may add to, in one write.
func appendObserved(name string) error {
	var b bytes.Buffer
	if err := WriteObserved(&b); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("append what was observed: %w", err)
	}
	_, err = f.Write(b.Bytes())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("append what was observed: %w", err)
	}
	return nil
}

type observedPlace struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Function string `json:"function"`
}

type observedEdge struct {
	Before observedPlace `json:"before"`
	After  observedPlace `json:"after"`
}

// WriteObserved writes the orders that were seen, one JSON object a line: where
// the lock was taken that was held, and where the next one was.
func WriteObserved(w io.Writer) error {
	var lines [][]byte
	for _, e := range observed() {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write what was observed: %w", err)
		}
		lines = append(lines, append(line, '\n'))
	}
	slices.SortFunc(lines, bytes.Compare)
	if _, err := w.Write(bytes.Join(lines, nil)); err != nil {
		return fmt.Errorf("write what was observed: %w", err)
	}
	return nil
}

func observed() []observedEdge {
	graph.Lock()
	defer graph.Unlock()
	var out []observedEdge
	for places := range graph.seen {
		before, after := at(places[0]), at(places[1])
		out = append(out, observedEdge{
			observedPlace{before.file, before.line, before.function},
			observedPlace{after.file, after.line, after.function},
		})
	}
	return out
}
