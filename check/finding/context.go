package finding

import "strings"

// Locate sets the Context of each hole among the pieces of one SQL text.
func Locate(pieces []Piece) {
	l := &lexer{}
	for i := range pieces {
		p := &pieces[i]
		if !p.Hole {
			l.read(p.Text)
			continue
		}
		p.Context, p.Clause = l.hole(p.List), l.clause
		if l.quote == '\'' {
			p.Context = quoted(pieces, i)
		}
		if l.quote == 0 {
			l.word("?")
		}
	}
}

// TakesParameters reports whether a statement made of pieces is of a kind in
// which every database lets values be bound: one that reads or writes rows, and
// only one. CREATE, SET, COPY and their like take none, and several in one text
// are refused by some drivers as soon as there are parameters.
func TakesParameters(pieces []Piece) bool {
	l := over(pieces)
	return rows[l.first] && !l.second && !l.murky
}

// Continues reports whether pieces are a further part of a statement, not the
// head of another one.
func Continues(pieces []Piece) bool {
	l := over(pieces)
	return !l.ended && !l.murky
}

// Closed reports whether pieces end outside quotes and comments, so that what
// stands behind them begins as they did.
func Closed(pieces []Piece) bool { return over(pieces).quote == 0 }

// over reads pieces to their end.
func over(pieces []Piece) *lexer {
	l := &lexer{}
	for _, p := range pieces {
		if p.Hole && l.quote == 0 {
			l.word("?")
		} else if !p.Hole {
			l.read(p.Text)
		}
	}
	return l
}

var rows = map[string]bool{
	"SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true, "REPLACE": true, "WITH": true, "VALUES": true, "MERGE": true, "CALL": true,
}

// Bare is SQL with everything in quotes and comments, and the quotes, turned
// into blanks: what a driver that knows quotes sees of placeholders.
func Bare(sql string) string {
	l := &lexer{bare: []byte{}}
	l.read(sql)
	return string(l.bare)
}

// A lexer follows SQL text piece by piece, as far as needed to tell where a
// hole stands.
type lexer struct {
	quote  byte     // open quote: ' " `, or 'c' and 'l' in a comment; 0 outside
	clause string   // the last keyword that opens a clause
	words  []string // the last words and signs, upper case
	inList []bool   // for each open parenthesis: is it behind IN
	joined bool     // the last byte was part of a word
	first  string   // the first word of the statement
	ended  bool     // a semicolon was read
	second bool     // and something behind it
	murky  bool     // a quote that is one in some databases only
	bare   []byte   // the text without what is quoted, when that is asked for
}

var clauses = map[string]bool{
	"SELECT": true, "FROM": true, "JOIN": true, "INTO": true, "UPDATE": true, "TABLE": true, "VIEW": true, "INDEX": true, "DATABASE": true,
	"SCHEMA": true, "USE": true, "WHERE": true, "HAVING": true, "ON": true, "SET": true, "VALUES": true, "ORDER": true, "GROUP": true,
	"LIMIT": true, "OFFSET": true, "RETURNING": true, "AND": true, "OR": true, "PRAGMA": true, "DELETE": true, "INSERT": true, "DROP": true,
	"ALTER": true, "CREATE": true, "TRUNCATE": true, "COLLATE": true, "FETCH": true,
}

// quoted tells a hole inside a string literal: all that stands between its
// quotes can become one parameter.
func quoted(t []Piece, i int) Context {
	from, to := i-1, i+1
	for from >= 0 && (t[from].Hole || !strings.Contains(t[from].Text, "'")) {
		from--
	}
	for to < len(t) && (t[to].Hole || !strings.Contains(t[to].Text, "'")) {
		to++
	}
	if from < 0 || to == len(t) {
		return Syntax
	}
	if from == i-1 && to == i+1 && strings.HasSuffix(t[from].Text, "'") && strings.HasPrefix(t[to].Text, "'") {
		return Quoted
	}
	return Partial
}

func (l *lexer) read(s string) {
	for i := 0; i < len(s); i++ {
		c, start, before := s[i], i, l.quote
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
			l.murky = l.murky || c == '\\' && i+1 < len(s) && s[i+1] == l.quote
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
		if l.bare == nil {
			continue
		}
		for ; start <= i; start++ {
			if before != 0 || l.quote != 0 {
				l.bare = append(l.bare, ' ')
			} else {
				l.bare = append(l.bare, s[start])
			}
		}
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (l *lexer) word(w string) {
	if l.first == "" && w != "(" {
		l.first = w
	}
	l.second = l.second || l.ended && w != ";"
	l.ended = l.ended || w == ";"
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
func (l *lexer) hole(list bool) Context {
	in := len(l.inList) > 0 && l.inList[len(l.inList)-1]
	switch {
	case l.quote == '"' || l.quote == '`':
		return Identifier
	case l.quote != 0:
		return Syntax
	case l.joined:
		return Identifier
	case in && list:
		return InList
	case list:
		return Syntax
	}
	switch last := l.last(); last {
	case "=", "<", ">", "+", "-", "*", "/", "%", "|", "LIKE", "ILIKE", "BETWEEN", "THEN", "ELSE", "WHEN", "REGEXP", "GLOB":
		return Value
	case "IN":
		return InList // a tuple that brings its parentheses
	case "LIMIT", "OFFSET", "TOP":
		return Limit
	case "BY", "COLLATE":
		return OrderBy
	case "AND":
		if len(l.words) > 2 && l.words[len(l.words)-3] == "BETWEEN" {
			return Value
		}
		return Syntax
	case "FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USE", "SELECT", "DISTINCT", "SET", "PRAGMA", "EXISTS":
		return Identifier
	case "(", ",":
		return l.listed(last)
	}
	switch l.clause {
	case "ORDER", "GROUP":
		return OrderBy
	}
	return Syntax
}

// listed tells a hole behind a parenthesis or a comma.
func (l *lexer) listed(last string) Context {
	switch l.clause {
	case "VALUES", "WHERE", "HAVING", "ON", "AND", "OR":
		return Value
	case "ORDER", "GROUP":
		return OrderBy
	case "LIMIT":
		return Limit
	case "SELECT":
		if len(l.inList) > 0 {
			return Value // a function's argument
		}
	}
	return Identifier
}
