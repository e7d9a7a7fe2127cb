// Package kept builds statements that are kept, filled in and sent in every other way.
package kept

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"text/template"

	_ "modernc.org/sqlite"
)

func ReplaceAll(db *sql.DB, x string) {
	db.Query(strings.ReplaceAll("SELECT 1 FROM t WHERE id = XX", "XX", x))
}
func Replace(db *sql.DB, x string) {
	db.Query(strings.Replace("SELECT 1 FROM t WHERE id = XX", "XX", x, 1))
}
func Replacer(db *sql.DB, x string) {
	db.Query(strings.NewReplacer("XX", x).Replace("SELECT 1 FROM t WHERE id = XX"))
}
func ReplacerVar(db *sql.DB, x string) {
	r := strings.NewReplacer("XX", x)
	db.Query(r.Replace("SELECT 1 FROM t WHERE id = XX"))
}
func Slice(db *sql.DB, x string) {
	for _, q := range []string{"SELECT 1", "SELECT 1 FROM t WHERE id = " + x} {
		db.Query(q)
	}
}
func SliceAppend(db *sql.DB, xs []string) {
	var qs []string
	for _, x := range xs {
		qs = append(qs, "SELECT 1 FROM t WHERE id = "+x)
	}
	for _, q := range qs {
		db.Query(q)
	}
}
func SliceAt(db *sql.DB, x string) {
	qs := []string{"SELECT 1 FROM t WHERE id = " + x}
	db.Query(qs[0])
}
func SliceSet(db *sql.DB, x string) {
	qs := make([]string, 1)
	qs[0] = "SELECT 1 FROM t WHERE id = " + x
	db.Query(qs[0])
}
func Map(db *sql.DB, x, k string) {
	qs := map[string]string{"a": "SELECT 1 FROM t WHERE id = " + x}
	db.Query(qs[k])
}
func MapSet(db *sql.DB, x, k string) {
	qs := map[string]string{}
	qs["a"] = "SELECT 1 FROM t WHERE id = " + x
	q, ok := qs[k]
	if ok {
		db.Query(q)
	}
}
func MapRange(db *sql.DB, x string) {
	qs := map[string]string{"a": "SELECT 1 FROM t WHERE id = " + x}
	for _, q := range qs {
		db.Query(q)
	}
	for q := range maps.Values(qs) {
		db.Exec(q)
	}
}
func Method(db *sql.DB, x string) {
	f := db.Query
	f("SELECT 1 FROM t WHERE id = " + x)
}

type S struct {
	q  string
	qs []string
	b  strings.Builder
	f  func(string, ...any) (*sql.Rows, error)
}

func New(db *sql.DB) *S           { return &S{f: db.Query, q: "SELECT 1 FROM t"} }
func (s *S) MethodField(x string) { s.f("SELECT 1 FROM t WHERE id = " + x) }
func (s *S) Where(x string)       { s.q += " WHERE id = " + x }
func (s *S) FieldRun(db *sql.DB)  { db.Query(s.q) }
func (s *S) Add(x string)         { s.qs = append(s.qs, "SELECT 1 FROM t WHERE id = "+x) }
func (s *S) SliceFieldRun(db *sql.DB) {
	for _, q := range s.qs {
		db.Query(q)
	}
}
func (s *S) Write(x string)             { s.b.WriteString("SELECT 1 FROM t WHERE id = "); s.b.WriteString(x) }
func (s *S) BuilderFieldRun(db *sql.DB) { db.Query(s.b.String()) }
func (s *S) FieldSame(db *sql.DB, x string) {
	s.q = "SELECT 1"
	s.q += " WHERE id = " + x
	db.Query(s.q)
}
func Fprintf(db *sql.DB, x string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT 1 FROM t WHERE id = %s", x)
	db.Query(b.String())
}
func FprintfBuf(db *sql.DB, x string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "SELECT 1 FROM t WHERE id = %s", x)
	db.Query(b.String())
}
func FprintfNew(db *sql.DB, x string) {
	b := new(bytes.Buffer)
	fmt.Fprintln(b, "SELECT 1 FROM t WHERE id =", x)
	db.Query(b.String())
}
func NewBufferString(db *sql.DB, x string) {
	b := bytes.NewBufferString("SELECT 1 FROM t WHERE id = ")
	b.WriteString(x)
	db.Query(b.String())
}
func Appendf(db *sql.DB, x string) {
	db.Query(string(fmt.Appendf(nil, "SELECT 1 FROM t WHERE id = %s", x)))
}
func AppendBytes(db *sql.DB, x string) {
	q := []byte("SELECT 1 FROM t WHERE id = ")
	q = append(q, x...)
	db.Query(string(q))
}
func Sprint(db *sql.DB, x string) { db.Query(fmt.Sprint("SELECT 1 FROM t WHERE id = ", x)) }
func Template(db *sql.DB, x string) {
	var b bytes.Buffer
	template.Must(template.New("q").Parse("SELECT 1 FROM t WHERE id = {{.}}")).Execute(&b, x)
	db.Query(b.String())
}

var tmpl = template.Must(template.New("q").Parse("SELECT 1 FROM t WHERE id = {{.X}}"))

func TemplateVar(db *sql.DB, x string) {
	var b strings.Builder
	if err := tmpl.Execute(&b, map[string]string{"X": x}); err != nil {
		return
	}
	db.Query(b.String())
}

var Q string

func SetGlobal(x string) { Q = "SELECT 1 FROM t WHERE id = " + x }
func Global(db *sql.DB)  { db.Query(Q) }

const base = "SELECT 1 FROM t WHERE id = %s"

func Const(db *sql.DB, x string) { db.Query(fmt.Sprintf(base, x)) }
func InnerLoop(db *sql.DB, rows [][]string) {
	q := "SELECT 1 FROM t WHERE id = 0"
	for _, row := range rows {
		for _, x := range row {
			q += " OR id = " + x
		}
	}
	db.Query(q)
}
func Closure(db *sql.DB, x string) {
	build := func() string { return "SELECT 1 FROM t WHERE id = " + x }
	db.Query(build())
}
func Two(db *sql.DB, x string) {
	q, args := two(x)
	db.Query(q, args...)
}
func two(x string) (string, []any) { return "SELECT 1 FROM t WHERE id = " + x, nil }
func Trim(db *sql.DB, x string)    { db.Query(strings.TrimSpace("  SELECT 1 FROM t WHERE id = " + x)) }
func Struct(db *sql.DB, x string) {
	c := struct{ q string }{"SELECT 1 FROM t WHERE id = " + x}
	db.Query(c.q)
}
func Table(db *sql.DB, x string) {
	for _, c := range []struct{ name, q string }{{"a", "SELECT 1 FROM t WHERE id = " + x}} {
		db.Query(c.q)
	}
}
func JoinSlice(db *sql.DB, x string) {
	db.Query(strings.Join([]string{"SELECT 1 FROM t WHERE id =", x}, " "))
}
