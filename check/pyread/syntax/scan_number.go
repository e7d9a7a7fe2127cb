package syntax

// number reads a number; pos is at its first digit or its point.
func (s *scanner) number() {
	start := s.pos
	var f form
	if s.src[s.pos] == '0' && s.radix() {
		s.endNumber(start, 0)
		return
	}
	s.digits(decimal)
	zero := s.src[start] == '0'
	if s.src[s.pos] == '.' {
		f = formFloat
		s.pos++
		if class[s.src[s.pos]] == classDigit {
			s.digits(decimal)
		}
	}
	if c := s.src[s.pos] | 0x20; c == 'e' {
		next := s.src[s.pos+1]
		if signed := next == '+' || next == '-'; class[next] == classDigit || signed && class[s.src[s.pos+2]] == classDigit {
			f = formFloat
			s.pos += 2
			s.digits(decimal)
		}
	}
	if s.src[s.pos]|0x20 == 'j' {
		f = formImag
		s.pos++
	}
	if zero && f == 0 {
		for _, c := range []byte(s.src[start:s.pos]) {
			if c != '0' && c != '_' {
				s.errorf(start, s.pos, "a number can't begin with 0: write 0o for octal")
				s.emit(invalid, start, s.pos)
				return
			}
		}
	}
	s.endNumber(start, f)
}

func decimal(c byte) bool { return class[c] == classDigit }

// radix reads a number of base 2, 8 or 16, if there is one.
func (s *scanner) radix() bool {
	var valid func(byte) bool
	switch s.src[s.pos+1] | 0x20 {
	case 'x':
		valid = func(c byte) bool { return class[c] == classDigit || c|0x20 >= 'a' && c|0x20 <= 'f' }
	case 'o':
		valid = func(c byte) bool { return c >= '0' && c <= '7' }
	case 'b':
		valid = func(c byte) bool { return c == '0' || c == '1' }
	default:
		return false
	}
	first := s.src[s.pos+2]
	if first == '_' {
		first = s.src[s.pos+3]
	}
	if !valid(first) {
		return false
	}
	s.pos += 2
	s.digits(valid)
	return true
}

// digits reads digits with single underscores between them.
func (s *scanner) digits(valid func(byte) bool) {
	for valid(s.src[s.pos]) || s.src[s.pos] == '_' && valid(s.src[s.pos+1]) {
		s.pos++
	}
}

// endNumber emits the number. A keyword may follow it without a space, as in
// "1if x else 2"; another letter or digit may not.
func (s *scanner) endNumber(start int, f form) {
	k := number
	if c := class[s.src[s.pos]]; c == classLetter || c == classDigit || c == classHigh {
		end := s.pos
		for class[s.src[end]] == classLetter {
			end++
		}
		switch keyword(s.src[s.pos:end]) {
		case keywordAnd, keywordElse, keywordFor, keywordIf, keywordIn, keywordIs, keywordNot, keywordOr:
		default:
			s.errorf(start, s.pos+1, "this is no number")
			k = invalid
		}
	}
	s.emit(k, start, s.pos)
	s.tokens[len(s.tokens)-1].form = f
}
