package main

import "testing"

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ text, printable, readable string }{
		{"orders/é x.jsonl", "orders/é x.jsonl", "orders/é x.jsonl"},
		{"a\x1b[2Jb", `a\x1b[2Jb`, `a\x1b[2Jb`},
		{"a\nb: loaded\t\r", `a\nb: loaded\t\r`, "a\nb: loaded\t\\r"},
		{"a\x00\x7f\u009b\u202eb", `a\x00\x7f\u009b\u202eb`, `a\x00\x7f\u009b\u202eb`},
		{"a\xffb", `a\xffb`, `a\xffb`},
		{"it's 日本\u00a0語", "it's 日本\u00a0語", "it's 日本\u00a0語"},
	} {
		if got := printable(c.text); got != c.printable {
			t.Errorf("printable(%q) is %q, want %q", c.text, got, c.printable)
		}
		if got := readable(c.text); got != c.readable {
			t.Errorf("readable(%q) is %q, want %q", c.text, got, c.readable)
		}
	}
}
