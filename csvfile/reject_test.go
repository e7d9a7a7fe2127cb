package csvfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock"
)

// TestRejectsOfWhoLoaded: of two loaders that have both kept the rejects of a
// chunk, the one that the ledger has it from has them, and the other has none.
func TestRejectsOfWhoLoaded(t *testing.T) {
	chunk := penstock.Chunk{Source: "a.csv", Count: 2, Rejects: 1, Loader: "ONE"}
	for _, c := range []struct {
		loader string
		want   Merged
	}{{"ONE", Merged{Rejects: 1}}, {"TWO", Merged{Missing: 1}}} {
		dir := t.TempDir()
		r := Rejects{Dir: dir, Loader: c.loader}
		part := []byte(`{"file":"a.csv","line":2,"record":1,"code":"type","reason":"","raw":"MQ=="}` + "\n")
		if err := os.WriteFile(r.part(chunk, c.loader), part, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := r.Merge(filepath.Join(dir, "a.csv.rejects"), []string{"id"}, ',', []penstock.Chunk{chunk})
		if err != nil || got != c.want {
			t.Errorf("loader %s: merged %+v, %v; want %+v", c.loader, got, err, c.want)
		}
	}
}

// TestPublishAfterCrash: a process that dies when the file is in its place and
// the record of it is not has written it; with more rejects it is written anew.
func TestPublishAfterCrash(t *testing.T) {
	dir := t.TempDir()
	r := Rejects{Dir: dir, Loader: "ONE", Target: "t"}
	out := filepath.Join(dir, "a.csv.rejects")
	var chunks []penstock.Chunk
	for i, raw := range []string{"MQ==", "Mg=="} {
		c := penstock.Chunk{Source: "a.csv", Start: int64(i), Count: 1, Rejects: 1, Loader: "ONE"}
		part := []byte(`{"file":"a.csv","line":2,"record":1,"code":"type","reason":"","raw":"` + raw + `"}` + "\n")
		if err := os.WriteFile(r.part(c, "ONE"), part, 0o600); err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, c)
	}
	publish := func(chunks []penstock.Chunk) {
		t.Helper()
		got, err := r.Publish(out, []string{"id"}, ',', chunks)
		if want := (Merged{Rejects: int64(len(chunks))}); err != nil || got != want {
			t.Fatalf("published %+v, %v; want %+v", got, err, want)
		}
	}
	publish(chunks[:1])
	done, err := readWritten(r.writtenName(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeWritten(r.writtenName(out), written{Target: "t", Next: done.Sum, NextParts: done.Parts}); err != nil {
		t.Fatal(err)
	}
	publish(chunks)
}
