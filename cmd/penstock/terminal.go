package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is a name that somebody else has given, as an object's key, for a
// terminal: it is one line of it, and cannot move the cursor, colour what
// follows or turn the direction of writing.
func printable(name string) string { return escaped(name, "") }

// readable is the same for a message, which may have lines and tabs.
func readable(message string) string { return escaped(message, "\n\t") }

// escaped writes what is no graphic character as Go does, but for what to keep.
func escaped(text, keep string) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case unicode.IsGraphic(r) || strings.ContainsRune(keep, r):
			b.WriteString(text[at : at+size])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		at += size
	}
	return b.String()
}
