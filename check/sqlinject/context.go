package sqlinject

import (
	"strings"

	"github.com/penstock-io/penstock/check/finding"
)

// A lexer follows SQL text piece by piece, as far as needed to tell where a
// hole stands.
type lexer struct {
	quote  byte     // open quote: ' " `, or 'c' and 'l' in a comment; 0 outside
	clause string   // the last keyword that opens a clause
	words  []string // the last words and signs, upper case
	inList []bool   // for each open parenthesis: is it behind IN
	joined bool     // the last byte was part of a word
}

var clauses = map[string]bool{
	"SELECT": true, "FROM": true, "JOIN": true, "INTO": true, "UPDATE": true, "TABLE": true, "VIEW": true, "INDEX": true, "DATABASE": true,
	"SCHEMA": true, "USE": true, "WHERE": true, "HAVING": true, "ON": true, "SET": true, "VALUES": true, "ORDER": true, "GROUP": true,
	"LIMIT": true, "OFFSET": true, "RETURNING": true, "AND": true, "OR": true, "PRAGMA": true, "DELETE": true, "INSERT": true, "DROP": true,
	"ALTER": true, "CREATE": true, "TRUNCATE": true, "COLLATE": true, "FETCH": true,
}

// contexts makes a text into pieces and tells each hole's place in the SQL.
func contexts(t text) []finding.Piece {
	out := make([]finding.Piece, len(t))
	l := &lexer{}
	for i, p := range t {
		out[i] = finding.Piece{Text: p.text, Expr: p.expr, At: p.at, Hole: p.hole, Tainted: p.taint != harmless}
		if !p.hole {
			l.read(p.text)
			continue
		}
		out[i].Context = l.hole(p)
		if l.quote == '\'' {
			out[i].Context, out[i].Cut = quoted(t, i)
		}
		if l.quote == 0 {
			l.word("?")
		}
	}
	return out
}

// quoted tells a hole inside a string literal, and how much of the literal
// belongs to it.
func quoted(t text, i int) (finding.Context, [2]int) {
	if i == 0 || i+1 >= len(t) || t[i-1].hole || t[i+1].hole {
		return finding.Syntax, [2]int{}
	}
	before, behind := t[i-1].text, t[i+1].text
	from, to := strings.LastIndexByte(before, '\''), strings.IndexByte(behind, '\'')
	if from < 0 || to < 0 {
		return finding.Syntax, [2]int{}
	}
	cut := [2]int{len(before) - from, to + 1}
	if cut[0] == 1 && cut[1] == 1 {
		return finding.Quoted, cut
	}
	return finding.Partial, cut
}

func (l *lexer) read(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case l.quote == 'l':
			if c == '\n' {
				l.quote = 0
			}
		case l.quote == 'c':
			if c == '*' && i+1 < len(s) && s[i+1] == '/' {
				l.quote, i = 0, i+1
			}
		case l.quote != 0:
			if c == l.quote {
				l.quote = 0
				l.word("''")
			}
		case c == '\'' || c == '"' || c == '`':
			l.quote = c
			l.joined = false
		case c == '-' && i+1 < len(s) && s[i+1] == '-':
			l.quote = 'l'
		case c == '/' && i+1 < len(s) && s[i+1] == '*':
			l.quote, i = 'c', i+1
		case wordByte(c):
			j := i
			for j < len(s) && wordByte(s[j]) {
				j++
			}
			l.word(strings.ToUpper(s[i:j]))
			i = j - 1
			l.joined = j == len(s)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.joined = false
		default:
			l.sign(c)
		}
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (l *lexer) word(w string) {
	if clauses[w] {
		l.clause = w
	}
	l.joined = false
	l.words = append(l.words, w)
	if len(l.words) > 4 {
		l.words = l.words[1:]
	}
}

func (l *lexer) sign(c byte) {
	switch c {
	case '(':
		l.inList = append(l.inList, l.last() == "IN")
	case ')':
		if len(l.inList) > 0 {
			l.inList = l.inList[:len(l.inList)-1]
		}
	}
	l.word(string(c))
	l.joined = c == '.'
}

func (l *lexer) last() string {
	if len(l.words) == 0 {
		return ""
	}
	return l.words[len(l.words)-1]
}

// hole tells the place of a hole outside quotes.
func (l *lexer) hole(p part) finding.Context {
	in := len(l.inList) > 0 && l.inList[len(l.inList)-1]
	switch {
	case l.quote == '"' || l.quote == '`':
		return finding.Identifier
	case l.quote != 0:
		return finding.Syntax
	case l.joined:
		return finding.Identifier
	case in && p.list:
		return finding.InList
	case p.list:
		return finding.Syntax
	}
	switch last := l.last(); last {
	case "=", "<", ">", "+", "-", "*", "/", "%", "|", "LIKE", "ILIKE", "BETWEEN", "THEN", "ELSE", "WHEN", "REGEXP", "GLOB":
		return finding.Value
	case "LIMIT", "OFFSET", "TOP":
		return finding.Limit
	case "BY", "COLLATE":
		return finding.OrderBy
	case "AND":
		if len(l.words) > 2 && l.words[len(l.words)-3] == "BETWEEN" {
			return finding.Value
		}
		return finding.Syntax
	case "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USE", "SELECT", "DISTINCT", "SET", "PRAGMA", "EXISTS":
		return finding.Identifier
	case "(", ",":
		return l.listed(last)
	}
	switch l.clause {
	case "ORDER", "GROUP":
		return finding.OrderBy
	}
	return finding.Syntax
}

// listed tells a hole behind a parenthesis or a comma.
func (l *lexer) listed(last string) finding.Context {
	switch l.clause {
	case "VALUES", "WHERE", "HAVING", "ON", "AND", "OR":
		return finding.Value
	case "ORDER", "GROUP":
		return finding.OrderBy
	case "LIMIT":
		return finding.Limit
	case "SELECT":
		if len(l.inList) > 0 {
			return finding.Value // a function's argument
		}
	}
	return finding.Identifier
}
