package sqlite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
)

// ordersWith is the table with one column of another type.
func ordersWith(column, typ string) string {
	types := map[string]string{"order_id": "INTEGER", "created_at": "INTEGER", "amount": "INTEGER", "ratio": "BLOB", "paid": "INTEGER", "note": "TEXT", "tags": "TEXT"}
	types[column] = typ
	var lines []string
	for name, typ := range types {
		lines = append(lines, name+" "+typ)
	}
	return "CREATE TABLE orders (" + strings.Join(lines, ", ") + ")"
}

// TestColumnThatAltersIsRefused: a column that would take some of its field's
// values for others is refused before a row is written.
func TestColumnThatAltersIsRefused(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	for _, c := range []struct{ column, typ, why string }{
		{"amount", "REAL", "in which a decimal is not exact"},
		{"created_at", "DATETIME", "in which a time is not exact"},
		{"order_id", "DOUBLE", "keeps its first 15 digits only"},
		{"note", "integer", "the text 007 becomes the number 7"},
		{"note", "NUMERIC", "the text 007"},
		{"note", "DECIMAL(10,2)", "the text 007"},
		{"note", "REAL", "the text 007"},
		{"note", "BOOLEAN", "the text 007"},
	} {
		file := newFile(t)
		exec(t, file, ordersWith(c.column, c.typ))
		_, err := sqlite.Open(sinktest.Within(t), file, sqlite.Options{Stream: s})
		if err == nil || !strings.Contains(err.Error(), "column "+c.column+" has type ") || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s %s: %v, want %s", c.column, c.typ, err, c.why)
		}
	}
}

// TestOtherTypesHoldTheirField: a column of another type has texts as they came,
// and those that it would make numbers of, as SQLite says when asked, are
// rejects.
func TestOtherTypesHoldTheirField(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	texts := []string{"2026-01-02", "", " ", "a7", "1e", "e1", ".", "-", "+-1", "inf", "NaN", "0x1p4", "1_000", "1 2", "1.2.3", "7\x00", "7\x00abc", "7\x00\x00", "\x007",
		"007", "-1", "+1", " 7\t", "\v7", "1.", ".5", "1e5", "1E-5", "1e999", "12345678901234567890.5"}
	for _, typ := range []string{"DATE", "UUID", "STRING", "VARCHAR(3)", "BLOB", ""} {
		file := newFile(t)
		exec(t, file, ordersWith("note", typ)+"; CREATE TABLE asked (place, note "+typ+")")
		var events []string
		for i, text := range texts {
			note, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, fmt.Sprintf(`{"order_id":%d,"note":%s}`, i, note))
			exec(t, file, fmt.Sprintf("INSERT INTO asked VALUES (%d, CAST(x'%x' AS TEXT))", i, text))
		}
		var kept sinktest.Letters
		table := open(t, file, sqlite.Options{Stream: s})
		if err := kept.Of(table.Chunk(penstock.Chunk{Job: "j", Source: "s"})).Write(sinktest.Within(t), sinktest.Events(t, s, 0, events...)); err != nil {
			t.Fatal(err)
		}
		sinktest.Want(t, typ+": letters", strings.Join(kept, " "), query(t, file, "SELECT coalesce(group_concat(place || ':column', ' '), '') FROM asked WHERE typeof(note) <> 'text'"))
		sinktest.Want(t, typ+": rows that are no texts", query(t, file, "SELECT count(*) FROM orders WHERE typeof(note) <> 'text'"), "0")
	}
}

// TestStrictTable: ANY of a STRICT table makes no numbers.
func TestStrictTable(t *testing.T) {
	file := newFile(t)
	exec(t, file, ordersWith("note", "ANY")+" STRICT")
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, file, sqlite.Options{Stream: s})
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1,"note":"007"}`)); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "rows", query(t, file, "SELECT note FROM orders"), "007")
}

// TestNumberBeyondFloat: where SQLite makes floats of numbers, one that is none
// does not become infinite.
func TestNumberBeyondFloat(t *testing.T) {
	file := newFile(t)
	exec(t, file, ordersWith("ratio", "REAL"))
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, file, sqlite.Options{Stream: s})
	var kept sinktest.Letters
	b := sinktest.Events(t, s, 0, `{"order_id":1,"ratio":1e308}`, `{"order_id":2,"ratio":1e309}`)
	if err := kept.Of(table.Chunk(penstock.Chunk{Job: "j", Source: "s"})).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "letters", strings.Join(kept, " "), "1:column")
	sinktest.Want(t, "rows", query(t, file, "SELECT ratio = 1e308 FROM orders"), "1")
}
