package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner turns the whole text into tokens at once, so that the parser may
// look ahead, and go back, for the price of an index. Its rules are those of
// "Lexical analysis" in the Python language reference, with PEP 701 and 750.
type scanner struct {
	src       string // the text and one NUL behind it, on which every loop ends
	pos       int
	tokens    []token
	errors    []Error
	comments  []Span
	indents   []indentation // open blocks, outermost first; never empty
	brackets  []bracket     // open brackets, outermost first
	templates []template    // open f-strings and t-strings, outermost first
	literal   bool          // pos is in the literal text of the last template
	unended   int           // strings of three quotes without an end
	encoded   bool          // the text declares an encoding other than UTF-8
}

// An indentation is a block's column, with tabs to the next multiple of eight
// and with tabs as one: where the two disagree the text is ambiguous.
type indentation struct{ column, narrow int }

// A bracket is open. The one of a field in a template has a specification
// once its colon was seen, and that is literal text again.
type bracket struct {
	at          int
	char        byte
	field, spec bool
}

// A template is an f-string or t-string whose end was not seen yet.
type template struct {
	at    int
	quote string
	form  form
	base  int // brackets that were open before it
}

// scan returns all tokens of the text, the last of them endOfFile.
func (s *scanner) scan() {
	s.indents = append(s.indents, indentation{})
	s.pos = len(bom(s.src))
	for s.line() {
	}
	s.emit(endOfFile, s.pos, s.pos)
}

// bom returns the byte order mark that a text may begin with.
func bom(src string) string {
	if strings.HasPrefix(src, "\ufeff") {
		return "\ufeff"
	}
	return ""
}

func (s *scanner) emit(k kind, start, end int) {
	s.tokens = append(s.tokens, token{kind: k, start: uint32(start), end: uint32(end)})
}

func (s *scanner) errorf(start, end int, format string, args ...any) {
	s.errors = append(s.errors, Error{Span{uint32(start), uint32(end)}, fmt.Sprintf(format, args...)})
}

// line reads one logical line and reports whether there was one.
func (s *scanner) line() bool {
	if !s.indentation() {
		for range len(s.indents) - 1 {
			s.emit(dedent, s.pos, s.pos)
		}
		return false
	}
	for s.token() {
	}
	return true
}

// indentation skips empty lines and reads the indentation of the next one
// that is not. It returns false at the end of the text.
func (s *scanner) indentation() bool {
	for {
		start := s.pos
		in := s.column()
		switch c := s.src[s.pos]; {
		case c == '#':
			s.comment()
			s.lineEnd()
		case c == '\n' || c == '\r':
			s.lineEnd()
		case c == 0 && s.pos == len(s.src)-1:
			return false
		default:
			s.indentTo(in, start)
			return true
		}
	}
}

// column reads white space at the start of a line.
func (s *scanner) column() (in indentation) {
	for joined := false; ; s.pos++ {
		switch c := s.src[s.pos]; {
		case c == ' ' && !joined:
			in.column, in.narrow = in.column+1, in.narrow+1
		case c == '\t' && !joined:
			in.column, in.narrow = in.column/8*8+8, in.narrow+1
		case c == ' ' || c == '\t':
		case c == '\f':
			in = indentation{}
		case c == '\\' && s.atLineEnd(s.pos+1):
			s.pos++
			if s.src[s.pos] == '\r' && s.src[s.pos+1] == '\n' {
				s.pos++
			}
			joined = joined || in.column > 0 // the first line's indentation counts
		default:
			return in
		}
	}
}

func (s *scanner) atLineEnd(at int) bool { return s.src[at] == '\n' || s.src[at] == '\r' }

// lineEnd skips a line's end: \n, \r\n or \r alone.
func (s *scanner) lineEnd() {
	if s.src[s.pos] == '\r' {
		s.pos++
	}
	if s.src[s.pos] == '\n' {
		s.pos++
	}
}

func (s *scanner) comment() {
	start := s.pos
	for c := s.src[s.pos]; c != '\n' && c != '\r' && (c != 0 || s.pos < len(s.src)-1); c = s.src[s.pos] {
		s.pos++
	}
	s.comments = append(s.comments, Span{uint32(start), uint32(s.pos)})
}

// indentTo opens and closes blocks.
func (s *scanner) indentTo(in indentation, start int) {
	top := s.indents[len(s.indents)-1]
	if in.column > top.column {
		if in.narrow <= top.narrow {
			s.errorf(start, s.pos, "tabs and spaces are mixed so that the indentation is ambiguous: use spaces only")
		}
		if len(s.indents) > depthMax {
			s.errorf(start, s.pos, "blocks are nested more than %d deep", depthMax)
			return
		}
		s.indents = append(s.indents, in)
		s.emit(indent, start, s.pos)
		return
	}
	for in.column < top.column {
		s.indents = s.indents[:len(s.indents)-1]
		s.emit(dedent, start, start)
		top = s.indents[len(s.indents)-1]
	}
	if in.column != top.column {
		s.errorf(start, s.pos, "this indentation is that of no block around it")
		s.indents = append(s.indents, in)
		s.emit(indent, start, s.pos)
	} else if in.narrow != top.narrow {
		s.errorf(start, s.pos, "tabs and spaces are mixed so that the indentation is ambiguous: use spaces only")
	}
}

// token reads one token and reports whether the logical line goes on.
func (s *scanner) token() bool {
	if s.literal {
		return s.templateText()
	}
	c := s.src[s.pos]
	switch class[c] {
	case classSpace:
		s.pos++
		return true
	case classLetter, classHigh:
		return s.word()
	case classDigit:
		s.number()
		return true
	}
	switch c {
	case '\n', '\r':
		return s.newline()
	case '#':
		s.comment()
	case '"', '\'':
		s.quoted(s.pos, 0)
	case '\\':
		s.join()
	case 0:
		if s.pos == len(s.src)-1 {
			return s.finish()
		}
		s.bad("a NUL byte: this is no text")
	default:
		s.operator(c)
	}
	return true
}

// bad takes one character that belongs nowhere.
func (s *scanner) bad(format string, args ...any) {
	_, size := utf8.DecodeRuneInString(s.src[s.pos:])
	s.errorf(s.pos, s.pos+size, format, args...)
	s.emit(invalid, s.pos, s.pos+size)
	s.pos += size
}

// join skips a backslash that joins two lines.
func (s *scanner) join() {
	s.pos++
	if s.atLineEnd(s.pos) {
		s.lineEnd()
		return
	}
	s.pos--
	s.bad("a backslash may only stand at the very end of a line")
}

// newline ends the logical line, unless a bracket is open.
func (s *scanner) newline() bool {
	start := s.pos
	s.lineEnd()
	if len(s.brackets) == 0 {
		s.emit(newline, start, start+1)
		return false
	}
	if s.forgotten() {
		s.abandon()
		s.emit(newline, start, start+1)
		return false
	}
	return true
}

// forgotten reports whether the line at pos begins with a word that can only
// begin a statement.
func (s *scanner) forgotten() bool {
	at := s.pos
	for class[s.src[at]] == classSpace {
		at++
	}
	end := at
	for class[s.src[end]] == classLetter {
		end++
	}
	if end == at || class[s.src[end]] == classDigit || s.src[end] == '=' {
		return false
	}
	return startsStatement[keyword(s.src[at:end])]
}

// abandon closes all brackets and templates, with an error at the innermost.
func (s *scanner) abandon() {
	if n := len(s.brackets); n > 0 {
		b := s.brackets[n-1]
		s.errorf(b.at, b.at+1, "'%c' was never closed", b.char)
	} else if n := len(s.templates); n > 0 {
		t := s.templates[n-1]
		s.errorf(t.at, t.at+len(t.quote)+1, "this string has no end")
	}
	s.emit(invalid, s.pos, s.pos)
	s.brackets, s.templates, s.literal = s.brackets[:0], s.templates[:0], false
}

// finish ends the last line of a text.
func (s *scanner) finish() bool {
	if len(s.brackets) > 0 || len(s.templates) > 0 {
		s.abandon()
	}
	s.emit(newline, s.pos, s.pos)
	return false
}

// word reads a name or keyword, or the prefix of a string. A statement's
// keyword can't follow an operator, but "lambda" and the like can.
func (s *scanner) word() bool {
	start := s.pos
	for {
		for class[s.src[s.pos]] == classLetter || class[s.src[s.pos]] == classDigit {
			s.pos++
		}
		if class[s.src[s.pos]] != classHigh {
			break
		}
		if !s.letter(s.pos == start) {
			if s.pos == start {
				r, _ := utf8.DecodeRuneInString(s.src[s.pos:])
				s.bad("%q (%U) belongs to no name or operator", r, r)
				return true
			}
			break
		}
	}
	text := s.src[start:s.pos]
	if q := s.src[s.pos]; len(text) <= 2 && (q == '"' || q == '\'') {
		if f, ok := prefix(text); ok {
			s.quoted(start, f)
			return true
		}
	}
	k := name
	if n := len(text); n >= 2 && n <= 8 {
		k = keyword(text)
	}
	s.emit(k, start, s.pos)
	return true
}

// letter takes a letter beyond ASCII; in a text of another encoding, any byte.
func (s *scanner) letter(first bool) bool {
	r, size := utf8.DecodeRuneInString(s.src[s.pos:])
	if r == utf8.RuneError && size == 1 {
		if s.encoded {
			s.pos++
		}
		return s.encoded
	}
	ok := unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start) ||
		!first && unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
	if ok {
		s.pos += size
	}
	return ok
}

// operator reads the longest operator at pos.
func (s *scanner) operator(c byte) {
	start, next := s.pos, s.src[s.pos+1]
	inField := len(s.brackets) > 0 && s.brackets[len(s.brackets)-1].field
	k, size := single[c], 1
	switch {
	case inField && c == ':':
	case inField && c == '!' && next != '=':
		k = exclamation
	case next == '=' && withAssign[c] != invalid:
		k, size = withAssign[c], 2
	case c == next && doubled[c] != invalid:
		k, size = doubled[c], 2
		if s.src[s.pos+2] == '=' {
			k, size = k+plusAssign-plus, 3
		}
	case c == '-' && next == '>':
		k, size = arrow, 2
	case c == '.' && next == '.' && s.src[s.pos+2] == '.':
		k, size = ellipsis, 3
	case c == '.' && class[next] == classDigit:
		s.number()
		return
	}
	if k == invalid {
		s.bad("%q belongs to no name or operator", c)
		return
	}
	s.pos += size
	s.emit(k, start, s.pos)
	s.nest(k, start)
}

// nest keeps account of brackets and of the fields of templates.
func (s *scanner) nest(k kind, at int) {
	switch k {
	case leftParen, leftBracket, leftBrace:
		s.brackets = append(s.brackets, bracket{at: at, char: s.src[at]})
	case rightParen, rightBracket, rightBrace:
		s.close(at)
	case colon:
		if n := len(s.brackets); n > 0 && s.brackets[n-1].field {
			s.brackets[n-1].spec, s.literal = true, true
		}
	}
}

var opening = map[byte]byte{')': '(', ']': '[', '}': '{'}

func (s *scanner) close(at int) {
	n := len(s.brackets)
	base := 0
	if len(s.templates) > 0 {
		base = s.templates[len(s.templates)-1].base
	}
	if n == base {
		s.errorf(at, at+1, "'%c' closes nothing", s.src[at])
		s.tokens[len(s.tokens)-1].kind = invalid
		return
	}
	b := s.brackets[n-1]
	if b.char != opening[s.src[at]] {
		s.errorf(at, at+1, "'%c' can't close '%c'", s.src[at], b.char)
		s.tokens[len(s.tokens)-1].kind = invalid
		if b.field {
			return // the field's own brace is still to come
		}
	}
	s.brackets = s.brackets[:n-1]
	s.literal = b.field
}
