package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func zipped(t *testing.T, text string, open func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range []string{text[:3], text[3:]} { // two members or frames
		w := open(&b)
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestOpenReadsEveryForm(t *testing.T) {
	const want = "id,name\n1,Zoë\n"
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(want)
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(want)
	if err != nil {
		t.Fatal(err)
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	for _, c := range []struct {
		name, bytes string
		encoding    Encoding
	}{
		{"plain", want, UTF8},
		{"mark", "\ufeff" + want, UTF8},
		{"utf16 by its mark", wide, UTF8},
		{"utf16", narrow, UTF16},
		{"latin1", strings.ReplaceAll(want, "ë", "\xeb"), Latin1},
		{"gzip", zipped(t, want, gz), UTF8},
		{"gzip of utf16", zipped(t, wide, gz), UTF8},
		{"zstd", zipped(t, want, func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}), UTF8},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open(file(t, c.bytes), c.encoding)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if read, size := f.Progress(); read != int64(len(c.bytes)) || size != read {
				t.Errorf("progress %d of %d, want %d of the same", read, size, len(c.bytes))
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenReadsShortFiles(t *testing.T) {
	for _, text := range []string{"", "a", "\ufeff"} {
		f, err := Open(file(t, text), UTF8)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := io.ReadAll(f)
		if err != nil || string(got) != strings.TrimPrefix(text, "\ufeff") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
		f.Close()
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := Open(t.TempDir(), UTF8); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(file(t, "\x1f\x8bno gzip"), UTF8); err == nil || !strings.Contains(err.Error(), "read gzip") {
		t.Errorf("torn gzip: %v", err)
	}
	if _, err := ParseEncoding("ebcdic"); err == nil {
		t.Error("ebcdic is taken")
	}
	if e, err := ParseEncoding("UTF-16"); err != nil || e != UTF16 {
		t.Errorf("UTF-16: %v %v", e, err)
	}
}

// A fingerprint changes with the size, a byte at the ends, and the time of the
// change, and with nothing else.
func TestFingerprint(t *testing.T) {
	text := []byte(strings.Repeat("0123456789abcdef", 1<<17)) // 2 MiB
	name := file(t, string(text))
	when := time.Unix(1_700_000_000, 0)
	take := func() string {
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
		print, err := Fingerprint(name)
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	first := take()
	if second := take(); second != first {
		t.Errorf("%s, then %s", first, second)
	}
	for what, change := range map[string]func(){
		"first byte": func() { text[0]++ },
		"last byte":  func() { text[len(text)-1]++ },
		"size":       func() { text = text[:len(text)-1] },
		"time":       func() { when = when.Add(time.Nanosecond) },
	} {
		change()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		next := take()
		if next == first {
			t.Errorf("another %s, the same fingerprint %s", what, first)
		}
		first = next
	}
	if print, err := Fingerprint("-"); print != "" || err != nil {
		t.Errorf("standard input: %q, %v", print, err)
	}
}

// However little of an archive is missing, its text is not taken for whole: the
// rows that are in it would be loaded, and the others forgotten. What stands
// behind one may be a part of the data that was damaged.
func TestCutArchives(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,name\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "%d,name %d\n", i, i*i)
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zst := func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }
	for form, whole := range map[string]string{"gzip": zipped(t, text.String(), gz), "zstd": zipped(t, text.String(), zst)} {
		for _, missing := range []int{0, 1, 4, 8, 9, 20, 5000} {
			err := readAll(t, whole[:len(whole)-missing])
			if cut := errors.Is(err, io.ErrUnexpectedEOF); cut != (missing > 0) || !cut && err != io.EOF {
				t.Errorf("%s, %d bytes missing: %v", form, missing, err)
			}
		}
		for _, more := range []string{"x", "\x1f", "\x1f\x8b", "more than an archive", strings.Repeat("\x00", 512)} {
			if err := readAll(t, whole+more); err == nil || err == io.EOF || !strings.Contains(err.Error(), form+" file is cut off or damaged") {
				t.Errorf("%s with %q behind it: %v", form, more[:1], err)
			}
		}
	}
}

// readAll reads a file of this text to the end, which is io.EOF, or an error.
func readAll(t *testing.T, text string) error {
	t.Helper()
	in, err := Open(file(t, text), UTF8)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(); err != nil {
			t.Errorf("Close says %v, what Read said before or should have", err)
		}
	}()
	s, err := NewScanner(in, Options{})
	var c Chunk
	for err == nil {
		err = s.Next(&c)
	}
	return err
}
