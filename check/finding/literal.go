package finding

import "regexp"

// OpenQuote is where the quote stands that is still open at the end of a piece
// of SQL, or -1.
func OpenQuote(sql string) int {
	at := -1
	for i := range len(sql) {
		if sql[i] == '\'' {
			if at >= 0 {
				at = -1
			} else {
				at = i
			}
		}
	}
	return at
}

// CloseQuote is where the first quote stands that is not doubled, or -1.
func CloseQuote(sql string) int {
	for i := 0; i < len(sql); i++ {
		if sql[i] != '\'' {
			continue
		}
		if i+1 < len(sql) && sql[i+1] == '\'' {
			i++
			continue
		}
		return i
	}
	return -1
}

// TypesLiteral reports whether what ends a piece of SQL makes a literal of the
// quoted string behind it, which a parameter cannot stand for: interval '1 day',
// E'a'.
func TypesLiteral(before string) bool { return typing.MatchString(before) }

var typing = regexp.MustCompile(`(?i)(\b(date|interval|time|timestamp|timestamptz|with time zone)\s*|[a-z])$`)
