package syntax

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Literal is one string literal of a string that may have several, or one
// run of text in an f-string or t-string.
type Literal struct {
	Span        // with prefix and quotes, if it has them
	Body   Span // the text that stands for characters
	Raw    bool // backslashes are characters
	Bytes  bool
	Middle bool // text of a template: it has no quotes, and {{ stands for {
	double bool // braces double in it
}

// Literals returns the literals that make up a string; none of another constant.
func (f *File) Literals(c *Constant) []Literal {
	if c.Kind != Str && c.Kind != Bytes {
		return nil
	}
	if c.more == nil {
		return []Literal{f.literal(literal{c.Span, c.form})}
	}
	list := make([]Literal, len(c.more))
	for i, l := range c.more {
		list[i] = f.literal(l)
	}
	return list
}

func (f *File) literal(l literal) Literal {
	out := Literal{
		Span: l.Span, Body: l.Span, Raw: l.form&formRaw != 0, Bytes: l.form&formBytes != 0,
		Middle: l.form&formMiddle != 0, double: l.form&formMiddle != 0 && l.form&formSpec == 0,
	}
	if out.Middle {
		return out
	}
	for f.Text[out.Body.Start] != '"' && f.Text[out.Body.Start] != '\'' {
		out.Body.Start++
	}
	quotes := uint32(1)
	if q := f.Text[out.Body.Start]; out.Body.End-out.Body.Start >= 6 && f.Text[out.Body.Start+1] == q && f.Text[out.Body.Start+2] == q {
		quotes = 3
	}
	out.Body = Span{out.Body.Start + quotes, out.Body.End - quotes}
	return out
}

// StringValue returns the value of a string: the characters in UTF-8, or the
// bytes. A surrogate that Python allows alone becomes U+FFFD.
func (f *File) StringValue(c *Constant) string {
	literals := f.Literals(c)
	if len(literals) == 1 && !strings.ContainsAny(f.Slice(literals[0].Body), "\\{}\r") {
		return f.Slice(literals[0].Body)
	}
	var b strings.Builder
	for _, l := range literals {
		b.WriteString(f.Decode(l))
	}
	return b.String()
}

// Decode returns the value of one literal.
func (f *File) Decode(l Literal) string {
	var b strings.Builder
	for _, text := range f.Pieces(l) {
		b.WriteString(text)
	}
	return b.String()
}

// Pieces returns the value of a literal piece by piece, each with the bytes
// that stand for it: a run of characters that stand for themselves, or one
// escape. Only of a run may a part be cut.
func (f *File) Pieces(l Literal) iter.Seq2[Span, string] {
	return func(yield func(Span, string) bool) {
		at := l.Body.Start
		for at < l.Body.End {
			n, value := f.piece(l, f.Text[at:l.Body.End])
			if !yield(Span{at, at + uint32(n)}, value) {
				return
			}
			at += uint32(n)
		}
	}
}

// piece reads the first piece of text: how many bytes it takes, and its value.
func (f *File) piece(l Literal, text string) (int, string) {
	special := "\r"
	if !l.Raw {
		special += "\\"
	}
	if l.double {
		special += "{}"
	}
	switch i := strings.IndexAny(text, special); {
	case i < 0:
		return len(text), text
	case i > 0:
		return i, text[:i]
	}
	switch text[0] {
	case '\r':
		if strings.HasPrefix(text, "\r\n") {
			return 2, "\n"
		}
		return 1, "\n"
	case '{', '}':
		return min(2, len(text)), text[:1]
	}
	return escape(text, l)
}

// simpleEscapes are those of one character.
var simpleEscapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
	'\n': "",
}

// escape reads one escape. One that Python does not know is a backslash.
func escape(text string, l Literal) (int, string) {
	if len(text) == 1 {
		return 1, text
	}
	if s, ok := simpleEscapes[text[1]]; ok {
		return 2, s
	}
	switch c := text[1]; {
	case c == '\r':
		if strings.HasPrefix(text, "\\\r\n") {
			return 3, ""
		}
		return 2, ""
	case c >= '0' && c <= '7':
		n := 2
		for n < min(4, len(text)) && text[n] >= '0' && text[n] <= '7' {
			n++
		}
		return number64(text, 1, n, 8, l)
	case c == 'x':
		return number64(text, 2, 4, 16, l)
	case c == 'u' && !l.Bytes:
		return number64(text, 2, 6, 16, l)
	case c == 'U' && !l.Bytes:
		return number64(text, 2, 10, 16, l)
	case c == 'N' && !l.Bytes && strings.HasPrefix(text, `\N{`):
		if end := strings.IndexByte(text, '}'); end > 0 {
			return end + 1, "\ufffd" // the table of names is not worth its size
		}
	}
	return 1, text[:1]
}

// number64 reads the digits of an escape.
func number64(text string, from, to, base int, l Literal) (int, string) {
	if to > len(text) {
		return 1, text[:1]
	}
	v, err := strconv.ParseUint(text[from:to], base, 32)
	if err != nil {
		return 1, text[:1]
	}
	if l.Bytes {
		return to, string([]byte{byte(v)})
	}
	if v > utf8.MaxRune {
		v = utf8.RuneError
	}
	return to, string(rune(v))
}
