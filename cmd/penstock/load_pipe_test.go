//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/penstock-io/penstock/internal/orders"
)

// TestLoadPipes: what comes by a pipe is loaded whole, rows of doubled keys too,
// which are read twice; and what the pipe of the same name brings next is no part
// of the first job, as with penstock load <(zcat a.csv.gz).
func TestLoadPipes(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		t.Run(name, func(t *testing.T) {
			reference := newLoadCase(t, 1000, fresh(t))
			want := reference.finish(t)
			c := newLoadCase(t, 1000, fresh(t))
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			c.file = filepath.Join(c.dir, "pipe.csv")
			if err := syscall.Mkfifo(c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			bring := func(write func(*os.File) error) {
				w, err := os.OpenFile(c.file, os.O_WRONLY, 0) // waits until the load opens it, too
				if err == nil {
					err = write(w)
					w.Close()
				}
				if err != nil {
					t.Error(err)
				}
			}
			go bring(func(w *os.File) error { _, err := w.Write(text); return err })
			if sum := c.finish(t); sum.Read != want.Read || sum.Delivered != want.Delivered || sum.Rejected != want.Rejected {
				t.Errorf("summary %+v, want %+v", sum, want)
			}
			if got, want := tableHash(t, c.to), tableHash(t, reference.to); got != want {
				t.Errorf("table %s, want %s", got, want)
			}
			os.Remove(c.file + ".rejects.csv")
			os.Remove(c.file + ".rejects.jsonl")
			go bring(func(w *os.File) error {
				return orders.Generator{Seed: 3, Bad: 0.01}.Write(w, orders.CSV, 1000, 1000)
			})
			if sum := c.finish(t); sum.Before != 0 || sum.Delivered < 900 {
				t.Errorf("the pipe's second load: summary %+v, want 1000 records that were not loaded before", sum)
			}
		})
	}
}
