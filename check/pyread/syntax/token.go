package syntax

// A kind is what a token is. Layout comes first, then what has text of its
// own, then operators, then keywords: the parser compares with the borders.
type kind uint8

const (
	endOfFile kind = iota
	newline        // end of a logical line
	indent
	dedent

	invalid // what no token can start with; its error is recorded already
	name
	number
	str            // a whole plain or bytes literal, quotes and prefix included
	templateStart  // prefix and opening quote of an f-string or t-string
	templateMiddle // literal text between the fields of one
	templateEnd    // closing quote of one

	leftParen
	rightParen
	leftBracket
	rightBracket
	leftBrace
	rightBrace
	comma
	colon
	semicolon
	dot
	ellipsis
	arrow
	walrus
	assign
	exclamation // only before a conversion in a field
	tilde

	// Operators of two operands, in the order of Operator.
	plus
	minus
	star
	slash
	doubleSlash
	percent
	at
	doubleStar
	shiftLeft
	shiftRight
	bitOr
	bitXor
	bitAnd

	// Augmented assignments, in the same order.
	plusAssign
	minusAssign
	starAssign
	slashAssign
	doubleSlashAssign
	percentAssign
	atAssign
	doubleStarAssign
	shiftLeftAssign
	shiftRightAssign
	bitOrAssign
	bitXorAssign
	bitAndAssign

	equal
	notEqual
	less
	lessEqual
	greater
	greaterEqual

	keywordFalse
	keywordNone
	keywordTrue
	keywordAnd
	keywordAs
	keywordAssert
	keywordAsync
	keywordAwait
	keywordBreak
	keywordClass
	keywordContinue
	keywordDef
	keywordDel
	keywordElif
	keywordElse
	keywordExcept
	keywordFinally
	keywordFor
	keywordFrom
	keywordGlobal
	keywordIf
	keywordImport
	keywordIn
	keywordIs
	keywordLambda
	keywordNonlocal
	keywordNot
	keywordOr
	keywordPass
	keywordRaise
	keywordReturn
	keywordTry
	keywordWhile
	keywordWith
	keywordYield
	kindCount
)

// A token is a piece of the text. Its form says more about literals.
type token struct {
	kind       kind
	form       form
	start, end uint32
}

// A form is what a literal's prefix and shape say about its text.
type form uint8

const (
	formRaw      form = 1 << iota // backslashes are text
	formBytes                     // a bytes literal
	formTemplate                  // a t-string; else an f-string, for templateStart
	formMiddle                    // text of a template: {{ and }} stand for one brace
	formFloat                     // a number with a point or an exponent
	formImag                      // a number with a final j
	formSpec                      // text of a format specification: braces never double
)

// keyword returns the kind of a word: name unless it is a hard keyword. The
// soft ones (match, case, type, _) are names that the parser looks at twice.
func keyword(word string) kind {
	switch word {
	case "False":
		return keywordFalse
	case "None":
		return keywordNone
	case "True":
		return keywordTrue
	case "and":
		return keywordAnd
	case "as":
		return keywordAs
	case "assert":
		return keywordAssert
	case "async":
		return keywordAsync
	case "await":
		return keywordAwait
	case "break":
		return keywordBreak
	case "class":
		return keywordClass
	case "continue":
		return keywordContinue
	case "def":
		return keywordDef
	case "del":
		return keywordDel
	case "elif":
		return keywordElif
	case "else":
		return keywordElse
	case "except":
		return keywordExcept
	case "finally":
		return keywordFinally
	case "for":
		return keywordFor
	case "from":
		return keywordFrom
	case "global":
		return keywordGlobal
	case "if":
		return keywordIf
	case "import":
		return keywordImport
	case "in":
		return keywordIn
	case "is":
		return keywordIs
	case "lambda":
		return keywordLambda
	case "nonlocal":
		return keywordNonlocal
	case "not":
		return keywordNot
	case "or":
		return keywordOr
	case "pass":
		return keywordPass
	case "raise":
		return keywordRaise
	case "return":
		return keywordReturn
	case "try":
		return keywordTry
	case "while":
		return keywordWhile
	case "with":
		return keywordWith
	case "yield":
		return keywordYield
	}
	return name
}

// startsStatement tells the keywords that begin a statement and can stand
// nowhere inside brackets: where a line begins with one, a bracket that is
// still open was forgotten.
var startsStatement = [kindCount]bool{
	keywordAssert: true, keywordBreak: true, keywordClass: true, keywordContinue: true, keywordDef: true,
	keywordDel: true, keywordElif: true, keywordExcept: true, keywordFinally: true, keywordGlobal: true,
	keywordImport: true, keywordNonlocal: true, keywordPass: true, keywordRaise: true, keywordReturn: true,
	keywordTry: true, keywordWhile: true, keywordWith: true,
}

// Character classes of the scanner.
const (
	classOther = iota
	classSpace
	classLetter
	classDigit
	classHigh // the first byte of a letter beyond ASCII, or of something worse
)

var class = func() (table [256]uint8) {
	for _, c := range " \t\f" {
		table[c] = classSpace
	}
	for c := '0'; c <= '9'; c++ {
		table[c] = classDigit
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = classLetter, classLetter
	}
	table['_'] = classLetter
	for c := 0x80; c <= 0xff; c++ {
		table[c] = classHigh
	}
	return table
}()

// single is the operator that one byte makes; invalid if none.
var single = func() (table [256]kind) {
	for i := range table {
		table[i] = invalid
	}
	for c, k := range map[byte]kind{
		'(': leftParen, ')': rightParen, '[': leftBracket, ']': rightBracket, '{': leftBrace, '}': rightBrace,
		',': comma, ':': colon, ';': semicolon, '.': dot, '=': assign, '~': tilde, '+': plus, '-': minus,
		'*': star, '/': slash, '%': percent, '@': at, '|': bitOr, '^': bitXor, '&': bitAnd, '<': less, '>': greater,
	} {
		table[c] = k
	}
	return table
}()

// withAssign is the operator that c and '=' make; invalid if none.
var withAssign = func() (table [256]kind) {
	for i := range table {
		table[i] = invalid
	}
	for c, k := range map[byte]kind{
		'+': plusAssign, '-': minusAssign, '*': starAssign, '/': slashAssign, '%': percentAssign, '@': atAssign,
		'|': bitOrAssign, '^': bitXorAssign, '&': bitAndAssign, '=': equal, '!': notEqual, '<': lessEqual,
		'>': greaterEqual, ':': walrus,
	} {
		table[c] = k
	}
	return table
}()

// doubled is the operator that c twice makes; invalid if none.
var doubled = func() (table [256]kind) {
	for i := range table {
		table[i] = invalid
	}
	table['*'], table['/'], table['<'], table['>'] = doubleStar, doubleSlash, shiftLeft, shiftRight
	return table
}()
