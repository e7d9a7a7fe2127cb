package syntax

import "testing"

// TestEncoding: a file whose encoding CPython does not know is no Python.
func TestEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"# coding: nosuch\nx = 1\n":                     "nosuch",
		"#!/usr/bin/python3\n# -*- coding: uft-8 -*-\n": "uft-8",
		"\ufeff# coding=nosuch\n":                       "nosuch",
		"# coding: hex\n":                               "hex",
		"# coding: Latin_1\n":                           "",
		"# -*- coding: iso-8859-15 -*-\n":               "",
		"# vim: set fileencoding=cp1252 :\n":            "",
		"# coding: utf-8-unix\n":                        "",
		"# coding: UTF8\n":                              "",
		"x = 1\n# coding: nosuch\n":                     "",
		"\n\n# coding: nosuch\n":                        "",
		"x = 'coding: nosuch'\n":                        "",
	} {
		f := Parse("m.py", []byte(text))
		switch {
		case want == "" && f.Errors != nil:
			t.Errorf("%q: %v", text, f.Errors)
		case want != "" && (len(f.Errors) != 1 || f.Slice(f.Errors[0].Span) != want || f.Errors[0].Message != "unknown encoding: "+want):
			t.Errorf("%q: %v, want %s unknown", text, f.Errors, want)
		}
	}
}
