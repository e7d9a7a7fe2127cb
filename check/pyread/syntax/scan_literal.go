package syntax

import "strings"

// prefix returns the form of a string prefix, and whether it is one.
func prefix(text string) (form, bool) {
	var f form
	var kinds int
	for i := range len(text) {
		switch text[i] | 0x20 {
		case 'r':
			if f&formRaw != 0 {
				return 0, false
			}
			f |= formRaw
			continue
		case 'b':
			f |= formBytes
		case 'f':
			f |= formMiddle
		case 't':
			f |= formMiddle | formTemplate
		case 'u':
			if len(text) > 1 {
				return 0, false
			}
		default:
			return 0, false
		}
		kinds++
	}
	return f, kinds <= 1
}

// quoted reads a literal whose prefix starts at start and whose opening quote
// is at pos. Of a template it reads the opening quote alone.
func (s *scanner) quoted(start int, f form) {
	quote := s.src[s.pos : s.pos+1]
	if s.src[s.pos+1] == quote[0] && s.src[s.pos+2] == quote[0] {
		quote = s.src[s.pos : s.pos+3]
	}
	s.pos += len(quote)
	if f&formMiddle != 0 {
		if len(s.templates) > depthMax {
			s.errorf(start, s.pos, "strings are nested more than %d deep", depthMax)
			s.emit(invalid, start, s.pos)
			return
		}
		s.emit(templateStart, start, s.pos)
		s.tokens[len(s.tokens)-1].form = f
		s.templates = append(s.templates, template{at: start, quote: quote, form: f, base: len(s.brackets)})
		s.literal = true
		return
	}
	k := invalid
	if len(quote) == 3 {
		k = s.long(start, quote)
	} else {
		k = s.short(start, quote[0])
	}
	s.emit(k, start, s.pos)
	s.tokens[len(s.tokens)-1].form = f
}

// short reads to the closing quote on the same logical line.
func (s *scanner) short(start int, quote byte) kind {
	for {
		switch c := s.src[s.pos]; c {
		case quote:
			s.pos++
			return str
		case '\\':
			s.escape()
		case '\n', '\r', 0:
			if c == 0 && s.pos < len(s.src)-1 {
				s.pos++
				continue
			}
			s.errorf(start, s.pos, "this string has no end on its line")
			return invalid
		default:
			s.pos++
		}
	}
}

// escape skips a backslash and what it protects.
func (s *scanner) escape() {
	s.pos++
	if s.src[s.pos] == '\r' && s.src[s.pos+1] == '\n' || s.src[s.pos] == 0 && s.pos == len(s.src)-1 {
		s.pos++
	}
	s.pos = min(s.pos+1, len(s.src)-1)
}

// long reads to the closing three quotes.
func (s *scanner) long(start int, quote string) kind {
	body := s.pos
	for {
		switch c := s.src[s.pos]; c {
		case quote[0]:
			if strings.HasPrefix(s.src[s.pos:], quote) {
				s.pos += 3
				return str
			}
			s.pos++
		case '\\':
			s.escape()
		case 0:
			if s.pos == len(s.src)-1 {
				s.pos = body
				s.firstLine()
				s.errorf(start, s.pos, "this string has no end")
				return invalid
			}
			s.pos++
		default:
			s.pos++
		}
	}
}

// firstLine takes only the first line of a string that has no end, so that
// what follows is still read as statements; but not so often that reading the
// rest of the text again and again takes long.
func (s *scanner) firstLine() {
	if s.unended++; s.unended > unendedMax {
		s.pos = len(s.src) - 1
		return
	}
	for c := s.src[s.pos]; c != '\n' && c != '\r' && s.pos < len(s.src)-1; c = s.src[s.pos] {
		s.pos++
	}
}

// templateText reads literal text of the innermost template up to its next
// field or its end, with the token that ended it. It returns false if the
// logical line ended instead.
func (s *scanner) templateText() bool {
	t := s.templates[len(s.templates)-1]
	spec := len(s.brackets) > t.base
	start := s.pos
	for {
		switch c := s.src[s.pos]; c {
		case '{', '}':
			if !spec && s.src[s.pos+1] == c {
				s.pos += 2
				continue
			}
			s.middle(start, t, spec)
			s.brace(c, spec)
			return true
		case t.quote[0]:
			if !strings.HasPrefix(s.src[s.pos:], t.quote) {
				s.pos++
				continue
			}
			s.middle(start, t, spec)
			s.templateEnd(t, spec)
			return true
		case '\\':
			s.templateEscape(t)
		case '\n', '\r':
			if len(t.quote) == 1 {
				return s.giveUp(start, t)
			}
			s.pos++
		case 0:
			if s.pos == len(s.src)-1 {
				return s.giveUp(start, t)
			}
			s.pos++
		default:
			s.pos++
		}
	}
}

// middle emits the literal text since start, if there is any.
func (s *scanner) middle(start int, t template, spec bool) {
	if start == s.pos {
		return
	}
	s.emit(templateMiddle, start, s.pos)
	f := t.form
	if spec {
		f |= formSpec
	}
	s.tokens[len(s.tokens)-1].form = f
}

// templateEscape skips a backslash and what it protects; braces are never
// protected, but \N{NAME} is one escape.
func (s *scanner) templateEscape(t template) {
	next := s.src[s.pos+1]
	switch {
	case next == '{' || next == '}':
		s.pos++
	case t.form&formRaw == 0 && next == 'N' && s.src[s.pos+2] == '{':
		s.pos += 3
		for c := s.src[s.pos]; c != '}' && c != t.quote[0] && c != '\n' && c != 0; c = s.src[s.pos] {
			s.pos++
		}
		if s.src[s.pos] == '}' {
			s.pos++
		}
	default:
		s.escape()
	}
}

// brace opens a field or closes the one whose specification was read.
func (s *scanner) brace(c byte, spec bool) {
	start := s.pos
	s.pos++
	switch {
	case c == '{':
		s.emit(leftBrace, start, s.pos)
		s.brackets = append(s.brackets, bracket{at: start, char: '{', field: true})
		s.literal = false
	case spec:
		s.emit(rightBrace, start, s.pos)
		s.brackets = s.brackets[:len(s.brackets)-1]
	default:
		s.errorf(start, s.pos, "a single '}' in a template: write '}}' for the character")
		s.emit(invalid, start, s.pos)
	}
}

// templateEnd takes the closing quote.
func (s *scanner) templateEnd(t template, spec bool) {
	start := s.pos
	s.pos += len(t.quote)
	k := templateEnd
	if spec {
		b := s.brackets[len(s.brackets)-1]
		s.errorf(b.at, b.at+1, "this field of a template has no '}'")
		k = invalid
	}
	s.emit(k, start, s.pos)
	s.endTemplate()
}

func (s *scanner) endTemplate() {
	last := len(s.templates) - 1
	s.brackets = s.brackets[:s.templates[last].base]
	s.templates = s.templates[:last]
	s.literal = false // a template stands in an expression
}

// giveUp ends a template that its line or the text ended too early.
func (s *scanner) giveUp(start int, t template) bool {
	if len(t.quote) == 3 { // take its first line only, as for any other string
		s.pos = start
		s.firstLine()
	}
	s.errorf(t.at, s.pos, "this string has no end")
	s.emit(invalid, t.at, s.pos)
	s.endTemplate()
	return true
}
