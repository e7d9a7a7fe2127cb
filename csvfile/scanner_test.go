package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/penstock-io/penstock/internal/orders"
)

// read is what a Scanner makes of text: a line for each record, its cells
// quoted by %q, or ! and the code and the bytes of a malformed one.
func read(t testing.TB, in io.Reader, o Options) []string {
	t.Helper()
	return readCells(t, in, o, func(cell string) string { return cell })
}

func readCells(t testing.TB, in io.Reader, o Options, cell func(string) string) []string {
	t.Helper()
	s, err := NewScanner(in, o)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for row, err := range s.Rows() {
		if err != nil {
			return append(lines, "error: "+err.Error())
		}
		if row.Cells() == 0 {
			lines = append(lines, fmt.Sprintf("!%s %q", row.Err().Code, row.Raw()))
			continue
		}
		lines = append(lines, show(row, cell))
	}
	return lines
}

func show(row Row, cell func(string) string) string {
	cells := make([]string, row.Cells())
	for j := range cells {
		cells[j] = cell(string(row.Cell(j)))
	}
	return fmt.Sprintf("%q", cells)
}

// eachVectors runs f without vectors and with each set of them that the machine has.
func eachVectors(t *testing.T, f func(t *testing.T)) {
	defer func() { vectors = bestVectors() }()
	for use := range bestVectors() + 1 {
		vectors = use
		t.Run("vectors="+use.String(), f)
	}
}

var headless = Options{Columns: []string{}}

func TestGrammar(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ``},
		{"one", "a,b\n", `["a" "b"]`},
		{"no line end", "a,b", `["a" "b"]`},
		{"crlf", "a,b\r\nc,\r\n", `["a" "b"] ["c" ""]`},
		{"cr at the end", "a,b\r", `["a" "b"]`},
		{"cr within", "a\rb,c\n", `["a\rb" "c"]`},
		{"empty lines", "\n\r\na\n\n\nb\n\n", `["a"] ["b"]`},
		{"empty cells", ",\n\"\"\n", `["" ""] [""]`},
		{"quoted", "\"a,b\",\"c\nd\"\n\"\",\"\"\"\"\n", `["a,b" "c\nd"] ["" "\""]`},
		{"crlf within quotes stays", "\"a\r\nb\"\r\n", `["a\r\nb"]`},
		{"doubled", `"say ""hi""",2`, `["say \"hi\"" "2"]`},
		{"bare quote", "1,5\" pipe\n2,ok\n", `!csv_quote "1,5\" pipe" ["2" "ok"]`},
		{"text behind a quote", "\"a\"b,\"c\nd\"\n2,ok\n", `!csv_quote "\"a\"b,\"c" !csv_quote "d\"" ["2" "ok"]`},
		{"cr behind a quote", "\"a\"\rb\n2\n", `!csv_quote "\"a\"\rb" ["2"]`},
		{"never closed", "1,\"a\n2,b\n3,c\n", `!csv_quote "1,\"a" ["2" "b"] ["3" "c"]`},
		{"never closed at the end", "1,\"a", `!csv_quote "1,\"a"`},
		{"over many blocks", long + ",\"" + long + "\n" + long + "\"\n" + long + "\n",
			fmt.Sprintf("[%q %q] [%q]", long, long+"\n"+long, long)},
		{"bare quote late", strings.Repeat("a,b\n", 100) + "a\"b\nc,d\n", strings.Repeat(`["a" "b"] `, 100) + `!csv_quote "a\"b" ["c" "d"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachVectors(t, func(t *testing.T) {
				got := strings.Join(read(t, strings.NewReader(c.text), headless), " ")
				if got != c.want {
					t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
				}
			})
		})
	}
}

func TestLenient(t *testing.T) {
	o := headless
	o.Lenient = true
	for text, want := range map[string]string{
		"1,5\" pipe\n":   `["1" "5\" pipe"]`,
		"\"a\"b\",c\n":   `["a\"b" "c"]`,
		"\"never closed": `["never closed"]`,
		"\"a\"\"":        `["a\""]`,
		"\"":             `[""]`,
	} {
		if got := strings.Join(read(t, strings.NewReader(text), o), " "); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestHeaderAndPositions(t *testing.T) {
	text := "id;\"no\"\"te\"\r\n\r\n1;\"a\nb\"\n2\n\n3;c;d\n"
	s, err := NewScanner(strings.NewReader(text), Options{Comma: ';', ChunkBytes: 12})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Columns(), []string{"id", `no"te`}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	var got []string
	for row, err := range s.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		code := "ok"
		if r := row.Err(); r != nil {
			code = r.Code
		}
		p := row.Position()
		got = append(got, fmt.Sprintf("record %d line %d byte %d %s %s", p.Record, p.Line, p.Offset, code, text[p.Offset:p.Offset+1]))
	}
	want := []string{"record 1 line 3 byte 15 ok 1", "record 2 line 5 byte 23 csv_columns 2", "record 3 line 7 byte 26 csv_columns 3"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHeaderThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"":              "there is no header",
		"\n\n":          "there is no header",
		"a,b\"c\n1,2\n": "read the header: line 1",
	} {
		_, err := NewScanner(strings.NewReader(text), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// Long records are rejects, and what follows them is read, wherever the
// buffers happen to end.
func TestRecordBytesMax(t *testing.T) {
	text := "a,b\n" + strings.Repeat("x", 50) + "\nc,d\ne,\"" + strings.Repeat("y\n", 40) + "\"\n"
	eachVectors(t, func(t *testing.T) {
		for chunk := 1; chunk < 200; chunk++ {
			o := Options{Columns: []string{}, ChunkBytes: chunk, RecordBytesMax: 40}
			got := read(t, iotest.OneByteReader(strings.NewReader(text)), o)
			if len(got) < 4 || got[0] != `["a" "b"]` || !strings.HasPrefix(got[1], `!too_large "xxx`) || got[2] != `["c" "d"]` || !strings.HasPrefix(got[3], `!csv_quote "e,\"y"`) {
				t.Fatalf("chunks of %d: got %q", chunk, got)
			}
		}
	})
}

func TestReadErrorIsReturned(t *testing.T) {
	torn := errors.New("torn")
	in := io.MultiReader(strings.NewReader("a,b\n1,2\n"), iotest.ErrReader(torn))
	got := read(t, in, Options{})
	if want := "error: torn"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q: a chunk that may be cut short is not given out", got, want)
	}
}

// The same chunks at the same places, with any way of reading.
func TestSkip(t *testing.T) {
	var text bytes.Buffer
	if err := (orders.Generator{Bad: 0.1}).Write(&text, orders.CSV, 0, 200); err != nil {
		t.Fatal(err)
	}
	all := text.Bytes()
	o := Options{ChunkBytes: 4000}
	type chunk struct {
		start, length, line int64
		first               uint64
		records             int
	}
	walk := func(skip func(i int) bool, known []chunk) (chunks []chunk) {
		s, err := NewScanner(bytes.NewReader(all), o)
		if err != nil {
			t.Fatal(err)
		}
		var c Chunk
		for i := 0; ; i++ {
			if skip(i) && i < len(known) {
				if err := s.Skip(known[i].length, uint64(known[i].records)); err != nil {
					t.Fatal(err)
				}
				chunks = append(chunks, known[i])
				continue
			}
			if err := s.Next(&c); errors.Is(err, io.EOF) {
				return chunks
			} else if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, chunk{c.Start, c.Bytes(), c.Line, c.First, c.Len()})
		}
	}
	want := walk(func(int) bool { return false }, nil)
	if len(want) < 5 {
		t.Fatalf("only %d chunks", len(want))
	}
	for n := range 4 {
		if got := walk(func(i int) bool { return i%4 <= n }, want); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}

// reference is what encoding/csv reads up to its first error.
func reference(text []byte, lenient bool) (lines []string, failed bool) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes = -1, lenient
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, false
		}
		if err != nil {
			return lines, true
		}
		lines = append(lines, fmt.Sprintf("%q", record))
	}
}

// FuzzAgainstEncodingCSV: the same records as encoding/csv up to the first
// malformed one, the same with any vectors and without, and in chunks of any size;
// no byte is lost.
func FuzzAgainstEncodingCSV(f *testing.F) {
	for _, text := range []string{
		"a,b\n1,2\n", "\"a\"\"b\",\"c\nd\"\r\n", "a\"b,c\n1,2", "\"a\"b\n\"", "\r\n\r\"\"\r\n", "\"\n\n,\"\",\r", "x,\"\r\n\",\r\n\r\n\"y\"\r",
		strings.Repeat("word,", 30) + "\"" + strings.Repeat("\"\"\n", 40) + "\"\nx\"\ny\n",
	} {
		f.Add([]byte(text), uint16(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		defer func() { vectors = bestVectors() }()
		for _, lenient := range []bool{false, true} {
			o := Options{Columns: []string{}, Lenient: lenient}
			got := read(t, bytes.NewReader(text), o)
			want, failed := reference(text, lenient)
			bent := readCells(t, bytes.NewReader(text), o, func(cell string) string { return strings.ReplaceAll(cell, "\r\n", "\n") })
			agree(t, text, bent, want, failed) // encoding/csv bends line breaks within quotes
			o.ChunkBytes = int(size)%512 + 1
			chunks := read(t, iotest.HalfReader(bytes.NewReader(text)), o)
			if !slices.Equal(got, chunks) {
				t.Errorf("%q (lenient %v):\n   whole %q\nby %5d %q", text, lenient, got, o.ChunkBytes, chunks)
			}
			for vectors = range bestVectors() {
				if other := read(t, bytes.NewReader(text), o); !slices.Equal(got, other) {
					t.Errorf("%q (lenient %v):\n%v %q\n%v %q", text, lenient, bestVectors(), got, vectors, other)
				}
			}
			vectors = bestVectors()
			keepsAllBytes(t, text, o)
		}
	})
}

func agree(t *testing.T, text []byte, got, want []string, failed bool) {
	t.Helper()
	bad := slices.IndexFunc(got, func(s string) bool { return s[0] == '!' })
	if (bad >= 0) != failed {
		t.Errorf("%q: got %q, encoding/csv failed: %v", text, got, failed)
		return
	}
	if bad >= 0 {
		got = got[:bad]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q:\n got %q\nwant %q", text, got, want)
	}
}

// keepsAllBytes: between one record's bytes and the next's there are line
// breaks and nothing else.
func keepsAllBytes(t *testing.T, text []byte, o Options) {
	t.Helper()
	s, err := NewScanner(bytes.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	between := func(to int) {
		if rest := bytes.Trim(text[at:to], "\r\n"); len(rest) > 0 {
			t.Errorf("%q: %q at %d is in no record", text, rest, at)
		}
	}
	for row, err := range s.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		start := int(row.Position().Offset)
		between(start)
		if at = start + len(row.Raw()); !bytes.Equal(text[start:at], row.Raw()) {
			t.Errorf("%q: the record at %d is not its bytes %q", text, start, row.Raw())
		}
	}
	between(len(text))
}

// Every chunk size gives the same records, on a text that has everything.
func TestEveryChunkSize(t *testing.T) {
	var text bytes.Buffer
	if err := (orders.Generator{Bad: 0.2}).Write(&text, orders.CSV, 0, 12); err != nil {
		t.Fatal(err)
	}
	all := bytes.ReplaceAll(text.Bytes(), []byte("EUR"), []byte("E\"R"))
	want := read(t, bytes.NewReader(all), Options{})
	eachVectors(t, func(t *testing.T) {
		for size := 1; size <= len(all); size++ {
			if got := read(t, bytes.NewReader(all), Options{ChunkBytes: size}); !slices.Equal(got, want) {
				t.Fatalf("chunks of %d:\n got %q\nwant %q", size, got, want)
			}
		}
	})
}
