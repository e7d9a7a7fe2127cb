package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Sample is some records of a file: from its head and, where the file can be
// sought in, from its middle and its tail, since files change their ways behind
// their beginning.
type Sample struct {
	Comma    byte
	Columns  []string // names from the header, or made up
	Headless bool     // the first record is none
	Records  [][]string
	Bad      int  // records of the sample that are malformed
	Whole    bool // the whole file was looked at
	HeadOnly bool // the rest of the file was not: it is compressed or cannot be sought in
}

// sampleBytesEach is how much of each of the three places is looked at.
const sampleBytesEach = 1 << 20

// Sniff takes a sample of a file and guesses how it is written, but for the comma
// and the columns that o names.
func Sniff(name string, encoding Encoding, o Options) (*Sample, error) {
	f, err := Open(name, encoding)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(f, sampleBytesEach))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, fmt.Errorf("%s: the file is empty", name)
	}
	s := &Sample{Comma: o.Comma, Whole: len(head) < sampleBytesEach}
	if o.Comma == 0 {
		s.Comma = guessComma(head)
	}
	s.take(head, s.Whole)
	if len(s.Records) == 0 {
		return nil, fmt.Errorf("%s: no record was found in its first %d bytes", name, len(head))
	}
	if s.nameColumns(o.Columns); len(s.Records) == 0 && len(o.Columns) > 0 {
		return nil, fmt.Errorf("%s: none of its first %d records has as many cells as there are columns, %d", name, s.Bad, len(o.Columns))
	}
	if s.Whole {
		return s, nil
	}
	if encoding != UTF8 || name == "-" || compressed(name) {
		s.HeadOnly = true
		return s, nil
	}
	return s, s.takeRest(name)
}

// compressed reports whether the bytes of a file are not its text.
func compressed(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return true
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return true
	}
	return bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) || string(magic) == "\x28\xb5\x2f\xfd" ||
		bytes.HasPrefix(magic, []byte{0xff, 0xfe}) || bytes.HasPrefix(magic, []byte{0xfe, 0xff})
}

// takeRest adds the middle and the tail.
func (s *Sample) takeRest(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := int64(sampleBytesEach) // of what has been looked at
	for _, at := range []int64{info.Size()/2 - sampleBytesEach/2, info.Size() - sampleBytesEach} {
		at = max(at, end) // no record twice
		end = at + sampleBytesEach
		text := make([]byte, sampleBytesEach)
		n, err := f.ReadAt(text, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		text = text[:n]
		s.take(text[s.firstRecord(text):], at+int64(n) == info.Size())
	}
	return nil
}

// guessComma chooses the byte by which most records have as many cells as the
// first, and more than one.
func guessComma(head []byte) byte {
	best, most := byte(','), 0
	for _, comma := range []byte{',', ';', '\t', '|'} {
		s := Sample{Comma: comma}
		s.take(head, true)
		if len(s.Records) == 0 || len(s.Records[0]) < 2 {
			continue
		}
		same := 0
		for _, r := range s.Records {
			if len(r) == len(s.Records[0]) {
				same += len(r)
			}
		}
		if same > most {
			best, most = comma, same
		}
	}
	return best
}

// firstRecord finds where a record begins in text that may begin in the midst
// of one, within quotes even: at the line from which the next records have as
// many cells as there are columns.
func (s *Sample) firstRecord(text []byte) int {
	const lines, enough = 200, 20
	d := dialect{comma: s.Comma, bytes: DefaultRecordBytesMax}
	best, most, at := 0, -1, 0
	for range lines {
		k := bytes.IndexByte(text[at:], '\n')
		if k < 0 {
			break
		}
		at += k + 1
		good, i := 0, at
		for good < enough {
			ends, next, how, _ := d.walk(text, i, false, nil)
			if how != whole || len(ends) != len(s.Columns) {
				break
			}
			good, i = good+1, next
		}
		if good > most {
			best, most = at, good
		}
		if good == enough {
			break
		}
	}
	return best
}

// take adds the records of text; the last one, if the text goes on behind it,
// is left out.
func (s *Sample) take(text []byte, final bool) {
	if !final {
		text = text[:wholeRecords(text, s.Comma)]
	}
	sc, err := NewScanner(bytes.NewReader(text), Options{Comma: s.Comma, Columns: []string{}})
	if err != nil {
		panic("csvfile: a sample cannot be read: " + err.Error()) // nothing can be wrong with the options
	}
	for row, err := range sc.Rows() {
		if err != nil {
			return
		}
		if row.Cells() == 0 || s.Columns != nil && row.Cells() != len(s.Columns) {
			s.Bad++
			continue
		}
		record := make([]string, row.Cells())
		for j := range record {
			record[j] = string(row.Cell(j))
		}
		s.Records = append(s.Records, record)
	}
}

// wholeRecords is how much of text is whole records.
func wholeRecords(text []byte, comma byte) int {
	d := dialect{comma: comma, bytes: DefaultRecordBytesMax}
	for at := 0; ; {
		_, next, how, _ := d.walk(text, at, false, nil)
		if how == partial {
			return at
		}
		at = next
	}
}

var wordLike = regexp.MustCompile(`^[\pL_][\pL\pN_ .()/#%-]*$`)

// nameColumns takes the given names or, when there are none, the first record for
// a header if each of its cells could be a name, and no two are the same.
func (s *Sample) nameColumns(given []string) {
	switch {
	case len(given) > 0:
		s.Columns, s.Headless = given, true
	case s.headless():
		s.Headless = true
		for j := range s.Records[0] {
			s.Columns = append(s.Columns, fmt.Sprintf("column_%d", j+1))
		}
	default:
		s.Columns, s.Records = s.Records[0], s.Records[1:]
	}
	even := s.Records[:0]
	for _, r := range s.Records {
		if len(r) == len(s.Columns) {
			even = append(even, r)
		} else {
			s.Bad++
		}
	}
	s.Records = even
}

func (s *Sample) headless() bool {
	seen := map[string]bool{}
	for _, cell := range s.Records[0] {
		if !wordLike.MatchString(cell) || seen[cell] || cell == "true" || cell == "false" {
			return true
		}
		seen[cell] = true
	}
	return false
}

// StreamFile writes a stream file for the sample: the narrowest types that all
// of it has. It is a beginning, to be read and mended by a person.
func (s *Sample) StreamFile(name string) string {
	var b strings.Builder
	stream := streamName(name)
	fmt.Fprintf(&b, "# Made from a sample of %d records of %s. Read it through: what a sample does not\n# show, it cannot tell.\n", len(s.Records), filepath.Base(name))
	if s.HeadOnly {
		fmt.Fprintf(&b, "# Only the head of the file was looked at.\n")
	}
	if s.Bad > 0 {
		fmt.Fprintf(&b, "# %d records of the sample are malformed: penstock load --dry-run shows them.\n", s.Bad)
	}
	fmt.Fprintf(&b, "stream: %s\n\nschema:\n  $schema: https://json-schema.org/draft/2020-12/schema\n  type: object\n", stream)
	var kinds []column
	var required []string
	for j, name := range s.Columns {
		k := s.column(j)
		kinds = append(kinds, k)
		if name != ignored && k.empty == 0 && k.kind != kindEmpty {
			required = append(required, yamlName(name))
		}
	}
	fmt.Fprintf(&b, "  required: [%s]\n  additionalProperties: false\n  properties:\n", strings.Join(required, ", "))
	id, when := "", ""
	for j, k := range kinds {
		if s.Columns[j] == ignored {
			continue
		}
		fmt.Fprintf(&b, "    %s: %s\n", yamlName(s.Columns[j]), k.schema())
		if id == "" && k.unique() {
			id = yamlName(s.Columns[j])
		}
		if when == "" && k.kind == kindTime && k.empty == 0 {
			when = yamlName(s.Columns[j])
		}
	}
	b.WriteByte('\n')
	if id != "" {
		fmt.Fprintf(&b, "id: %s        # no two records of the sample have the same\n", id)
	} else {
		fmt.Fprintf(&b, "# id: FIELD   # no field of the sample is different in each record\n")
	}
	if when != "" {
		fmt.Fprintf(&b, "time: %s\n", when)
	}
	return b.String()
}

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// streamName makes a stream's name of a file's.
func streamName(file string) string {
	base, _, _ := strings.Cut(filepath.Base(file), ".")
	name := strings.Trim(unfit.ReplaceAllString(strings.ToLower(base), "-"), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "records"
	}
	return name
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func yamlName(name string) string {
	switch strings.ToLower(name) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return `"` + name + `"`
	}
	if plainName.MatchString(name) {
		return name
	}
	return fmt.Sprintf("%q", name)
}
