package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// ordersWith makes the table anew, with one column of another type.
func ordersWith(column, typ string) string {
	types := map[string]string{"order_id": "bigint", "created_at": "timestamptz", "amount": "numeric(12,2)", "ratio": "numeric", "paid": "boolean", "note": "text", "tags": "json"}
	types[column] = typ
	var lines []string
	for name, typ := range types {
		lines = append(lines, name+" "+typ)
	}
	return "DROP TABLE IF EXISTS orders; CREATE TABLE orders (" + strings.Join(lines, ", ") + ", PRIMARY KEY (order_id))"
}

const domains = `CREATE DOMAIN small AS numeric(5,0);
CREATE DOMAIN smaller AS small CHECK (VALUE < 100);
CREATE DOMAIN whole AS bigint;
CREATE DOMAIN day AS date;
CREATE DOMAIN price AS numeric(12,2) CHECK (VALUE < 1000);
CREATE DOMAIN word AS varchar(5);
CREATE TYPE words AS ENUM ('yes', 'no');
`

// TestColumnThatAltersIsRefused: a column that would take some of its field's
// values for others is refused before a row is written.
func TestColumnThatAltersIsRefused(t *testing.T) {
	s, dsn := sinktest.Stream(t, sinktest.Orders), realtest.Postgres(t)
	exec(t, dsn, domains)
	for _, c := range []struct{ column, typ, why string }{
		{"amount", "numeric(12,1)", "the field has 2 decimals, which would be rounded to 1; alter the column to numeric(12,2)"},
		{"amount", "numeric(12)", "rounded to 0"},
		{"amount", "numeric(12,-3)", "rounded to -3"},
		{"amount", "smaller", "rounded to 0"},
		{"amount", "whole", "the field has decimals, which would be rounded away"},
		{"amount", "float4", "must not pass through a float"},
		{"order_id", "float8", "a float keeps the first digits only"},
		{"order_id", "numeric(12,-3)", "rounded to -3"},
		{"order_id", "bit(3)", "would be cut off"},
		{"ratio", "numeric(12,2)", "any number of decimals, which would be rounded to 2; declare it with format decimal(p,2)"},
		{"ratio", "money", "any number of decimals"},
		{"ratio", "real", "more digits than it keeps"},
		{"created_at", "date", "the field has a time of day, which would be cut off; alter the column to timestamptz"},
		{"created_at", "day", "a time of day"},
		{"created_at", "time", "the field has a date"},
		{"created_at", "timestamptz(0)", "microseconds, which would be rounded"},
		{"created_at", "timestamp(5)", "microseconds, which would be rounded"},
		{"note", `"char"`, "would be cut off"},
		{"note", "name", "would be cut off"},
		{"note", "small", "the field is text"},
	} {
		t.Run(c.column+" "+c.typ, func(t *testing.T) {
			for _, mode := range []penstock.TableMode{penstock.Append, penstock.Upsert} {
				exec(t, dsn, ordersWith(c.column, c.typ))
				_, err := postgres.Open(sinktest.Within(t), dsn, postgres.Options{Stream: s, Mode: mode})
				if err == nil || !strings.Contains(err.Error(), "column "+c.column+" is ") || !strings.Contains(err.Error(), c.why) {
					t.Errorf("%v: %v, want %s", mode, err, c.why)
				}
			}
		})
	}
}

// TestWholeDecimals: a decimal without decimals goes into a column of whole numbers.
func TestWholeDecimals(t *testing.T) {
	s, dsn := sinktest.Stream(t, strings.Replace(sinktest.Orders, "decimal(12,2)", "decimal(12,0)", 1)), realtest.Postgres(t)
	exec(t, dsn, ordersWith("amount", "int"))
	table := open(t, dsn, postgres.Options{Stream: s})
	b := sinktest.Events(t, s, 0, `{"order_id":1,"amount":"12"}`, `{"order_id":2,"amount":"2147483648"}`)
	err := penstock.Bisect{To: table.Chunk(penstock.Chunk{Job: "j", Source: "s"})}.Write(t.Context(), b)
	if tally := b.Tally(); err != nil || tally.Delivered != 1 || tally.Rejected != 1 {
		t.Errorf("%v, %v, want the one that fits delivered and the other rejected", tally, err)
	}
}

// TestListedTextsThatDoNotFit: where the schema lists a field's texts, a column
// that does not take them is refused, not each event.
func TestListedTextsThatDoNotFit(t *testing.T) {
	dsn := realtest.Postgres(t)
	exec(t, dsn, domains)
	for _, c := range []struct{ schema, typ, why string }{
		{"{enum: [new, paid]}", "date", `the schema lists texts that it does not take: invalid input syntax for type date: "new"; alter the column to text`},
		{"{const: new}", "uuid", `invalid input syntax for type uuid: "new"`},
		{"{type: string, enum: [yes, maybe]}", "words", `"maybe"`},
		{"{type: string, enum: ['yes', 'no']}", "words", ""},
		{"{type: [string, 'null'], enum: ['2026-01-31', null]}", "date", ""},
		{"{type: string, enum: [abcdef]}", "word", ""}, // each such text is told as too long
	} {
		s := sinktest.Stream(t, strings.Replace(sinktest.Orders, `{type: [string, "null"]}`, c.schema, 1))
		exec(t, dsn, ordersWith("note", c.typ))
		table, err := postgres.Open(sinktest.Within(t), dsn, postgres.Options{Stream: s, Mode: penstock.Append})
		if err == nil {
			table.Close()
		}
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), "column note is "+c.typ+", ") || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s into %s: %v, want %q", c.schema, c.typ, err, c.why)
		}
	}
}

// TestOtherTypesHoldTheirField: a column of another type has the values as they
// came, copied or cast by the server, and what it cannot hold is a reject.
func TestOtherTypesHoldTheirField(t *testing.T) {
	s, dsn := sinktest.Stream(t, sinktest.Orders), realtest.Postgres(t)
	exec(t, dsn, domains)
	for _, c := range []struct{ column, typ, values, rows, letters string }{
		{"amount", "numeric(9,4)", `"12.50" "123456.00"`, "12.5000", "1:data"},
		{"amount", "price", `"12.50" "1000.00"`, "12.50", "1:check"},
		{"amount", "money", `"12.50"`, "12.50", ""},
		{"order_id", "numeric(3)", `123 1234`, "123", "1:data"},
		{"order_id", "char(2)", `12 123`, "12", "1:data"},
		{"order_id", "word", `12345 123456`, "12345", "1:data"},
		{"created_at", "timestamp", `"2026-01-02T23:00:00.123456-05:00"`, "2026-01-03 04:00:00.123456", ""},
		{"created_at", "timestamptz(6)", `"2026-01-02T23:00:00.123456Z"`, "2026-01-02 23:00:00.123456", ""},
		{"note", "words", `"yes" "maybe"`, "yes", "1:data"},
		{"note", "word", `"abcde" "abcdef" "ab   " "ab    " "äöüß "`, "abcde|ab   |äöüß ", "3:column 1:data"},
		{"note", "varchar(3)", `"abc" "abcd" "abc " "ab "`, "abc|ab ", "2:column 1:data"},
		{"note", "char(3)", `"abc" "abcd" "abc "`, "abc", "2:column 1:data"},
		{"note", "varchar", `"abc     "`, "abc     ", ""},
		{"paid", "text", `true`, "true", ""},
		{"tags", "jsonb", `[1]`, "[1]", ""},
	} {
		for _, mode := range []penstock.TableMode{penstock.Append, penstock.Upsert} {
			t.Run(fmt.Sprint(c.column, " ", c.typ, " ", mode), func(t *testing.T) {
				exec(t, dsn, ordersWith(c.column, c.typ))
				table := open(t, dsn, postgres.Options{Stream: s, Mode: mode})
				read := c.column
				switch c.typ { // whose text is not the same in every place
				case "money":
					read += "::numeric"
				case "timestamptz(6)":
					read += " AT TIME ZONE 'UTC'"
				}
				var texts []string
				for i, value := range splitValues(c.values) {
					text := fmt.Sprintf(`{"order_id":%d,%q:%s}`, i, c.column, value)
					if c.column == "order_id" {
						text = fmt.Sprintf(`{"order_id":%s}`, value)
					}
					texts = append(texts, text)
				}
				var kept sinktest.Letters
				if err := kept.Of(table.Chunk(penstock.Chunk{Job: t.Name(), Source: "s"})).Write(sinktest.Within(t), sinktest.Events(t, s, 0, texts...)); err != nil {
					t.Fatal(err)
				}
				sinktest.Want(t, "letters", strings.Join(kept, " "), c.letters)
				sinktest.Want(t, "rows", query(t, dsn, "SELECT string_agg(("+read+")::text, '|' ORDER BY order_id) FROM orders"), c.rows)
			})
		}
	}
}

// splitValues cuts JSON values apart at the blanks outside of quotes.
func splitValues(text string) (values []string) {
	quoted, from := false, 0
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			values, from = append(values, text[from:i]), i+1
		}
	}
	return append(values, text[from:])
}
