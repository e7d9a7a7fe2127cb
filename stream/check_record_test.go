package stream

import (
	"context"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
)

// TestCheckRecord: what only looks like a record is refused for what is wrong
// with it, and what a derivation has made of a field is nobody's fault.
func TestCheckRecord(t *testing.T) {
	s := loadText(t, `
stream: orders
schema:
  required: [id, at, status]
  additionalProperties: false
  properties:
    id:     {type: integer, minimum: 1}
    at:     {type: string, format: date-time, pattern: "^2026"}
    price:  {type: string, format: "decimal(6,2)", minimum: 0, enum: ["1.5", "2.5"]}
    status: {enum: [new, paid]}
    note:   {type: [string, "null"], maxLength: 3}
id: id
derive:
  status: {from: status, do: [upper]}
  half:   {expr: 'id * 0.5'}
`)
	for _, c := range []struct{ record, code, pointer string }{
		{`{"id":1,"at":"2025-12-31T23:30:00Z","price":1.50,"status":"NEW","note":null,"half":0.5}`, "", ""},
		{`{"id":1,"at":"2026-01-01T00:00:00Z","status":"anything"}`, "", ""},
		{`{"id":0,"at":"2026-01-01T00:00:00Z","status":"NEW"}`, "minimum", "/id"},
		{`{"id":1,"at":"2026-01-01T00:00:00Z","status":"NEW","price":-1}`, "minimum", "/price"},
		{`{"id":1,"at":"2026-01-01T00:00:00Z","status":"NEW","note":"long"}`, "maxLength", "/note"},
		{`{"id":1,"at":null,"status":"NEW"}`, "type", "/at"},
		{`{"id":1,"status":"NEW"}`, "required", ""},
		{`{"id":1,"at":"2026-01-01T00:00:00Z","status":"NEW","more":1}`, "additionalProperties", "/more"},
	} {
		e := &penstock.Event{}
		if _, err := s.NewRecordDecoder().Decode([]byte(c.record), e); err != nil {
			t.Fatal(c.record, err)
		}
		got := penstock.Reject{}
		if why := penstock.AsReject(s.CheckRecord(context.Background(), e)); why != nil {
			got = *why
		}
		if got.Code != c.code || got.Pointer != c.pointer {
			t.Errorf("%s: %q at %q, want %q at %q", c.record, got.Code, got.Pointer, c.code, c.pointer)
		}
	}
}

// TestCheckRecordTextOfFull: the full validator refuses no record for the text
// that Encode has given a time or a decimal, and judges all that can be judged.
func TestCheckRecordTextOfFull(t *testing.T) {
	const in = `{"at":"2026-01-01T00:00:00+01:00","price":"1.5","note":{"a":1}}`
	for _, c := range []struct{ at, price, event, forged string }{
		{"", "", "", "minimum"},
		{"", "", "minProperties: 3", "minimum"},
		{`, pattern: "1:00$"`, "", "", ""},
		{"", `, enum: ["1.5"]`, "", ""},
		{"", `, not: {const: "1.50"}`, "", ""},
		{"", "", `if: {properties: {at: {pattern: "Z$"}}}, then: {required: [more]}`, ""},
	} {
		s := loadText(t, `
stream: orders
schema: {properties: {at: {type: string, format: date-time`+c.at+`}, price: {type: string, format: "decimal(6,2)"`+c.price+`},
  note: {type: object, properties: {a: {minimum: 1}}}}, `+c.event+`}
`)
		judge := func(text string) string {
			e := &penstock.Event{}
			if _, err := s.NewRecordDecoder().Decode([]byte(text), e); err != nil {
				t.Fatal(text, err)
			}
			if why := penstock.AsReject(s.CheckRecord(context.Background(), e)); why != nil {
				return why.Code
			}
			return ""
		}
		e := &penstock.Event{}
		if _, err := s.NewDecoder().Decode([]byte(in), e); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(context.Background(), e); err != nil {
			t.Fatal(c, err)
		}
		if err := s.Encode(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		if code := judge(string(e.Body)); code != "" {
			t.Errorf("%+v: %s is refused: %s", c, e.Body, code)
		}
		if code := judge(strings.Replace(string(e.Body), `"a":1`, `"a":0`, 1)); code != c.forged {
			t.Errorf("%+v: what no door let pass: %q, want %q", c, code, c.forged)
		}
	}
}
