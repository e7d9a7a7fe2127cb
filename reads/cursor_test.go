package reads

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

func TestCursorKeysRotate(t *testing.T) {
	old, fresh := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("f"), 32)
	keysOf := func(secrets ...[]byte) CursorKeys {
		k, err := NewCursorKeys(secrets...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	e := &endpoint{Table: Table{Stream: &stream.Stream{}}, read: &stream.Read{Path: "/p"}}
	page := stream.Page{User: penstock.IntValue(7)}
	at := []penstock.Value{penstock.TimeValue(time.UnixMicro(1_700_000_000_123_456)), penstock.IntValue(-5), penstock.TextValue("ä\x00")}
	cursor := keysOf(old).seal(at, e, page)
	got, ok := keysOf(fresh, old).open(cursor, e, page)
	if !ok || !slices.EqualFunc(got, at, func(a, b penstock.Value) bool { return a.Kind == b.Kind && a.String() == b.String() }) {
		t.Errorf("after a rotation: %v %v", got, ok)
	}
	if _, ok := keysOf(fresh).open(cursor, e, page); ok {
		t.Error("a cursor outlives its key")
	}
	if _, err := NewCursorKeys([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

func TestCursorKeysFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "cursor.keys")
	if _, err := LoadCursorKeys(file); err == nil {
		t.Error("a file that is not there is taken")
	}
	var made [2]CursorKeys
	for start := range made {
		if err := MakeCursorKeys(file); err != nil {
			t.Fatal(err)
		}
		var err error
		if made[start], err = LoadCursorKeys(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(made[0].keys[0].secret, made[1].keys[0].secret) {
		t.Error("the second start has another key")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("not base64!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCursorKeys(file); err == nil {
		t.Error("a broken file is taken")
	}
}

// FuzzCursor: nothing that was not signed is opened, and nothing panics.
func FuzzCursor(f *testing.F) {
	keys, err := NewCursorKeys(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		f.Fatal(err)
	}
	e := &endpoint{Table: Table{Stream: &stream.Stream{}}, read: &stream.Read{Path: "/p"}}
	page := stream.Page{User: penstock.IntValue(7)}
	good := keys.seal([]penstock.Value{penstock.IntValue(1), penstock.TextValue("x")}, e, page)
	f.Add(good)
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := keys.open(text, e, page); ok && text != good {
			t.Fatalf("%q is opened", text)
		}
		position([]byte(text))
	})
}
