// Package syntax reads Python source: the text becomes a tree in which every
// node knows its exact bytes, and mistakes cost one statement, not the file.
//
//	file := syntax.Parse("orders.py", text)
//	for node := range syntax.All(file) {
//		call, ok := node.(*syntax.Call) // file.Text[call.Start:call.End]
//	}
//	// file.Errors says what could not be read, and where
//
// The language is that of Python 3.14, and older Python 3 with it. The tree
// has the node kinds, field names and positions of CPython's ast module, but
// for what the text says and ast forgets: comments, the literals that make up
// one string, and the body of a statement whose first line is wrong.
package syntax

import (
	"sort"
)

// Limits of what is read. CPython has similar ones.
const (
	SizeMax    = 64 << 20 // bytes of one file; a longer text is an error and no tree
	depthMax   = 200      // nested brackets, blocks and operands
	chainMax   = 10_000   // attributes, calls or branches in one chain
	sumMax     = 100_000  // operators in one chain
	linksMax   = 250_000  // of all chains of one statement, which may stand in each other
	unendedMax = 100      // strings without an end
)

// A Span is a half-open range of bytes of the file's text.
type Span struct{ Start, End uint32 }

// Where returns the span itself; every node has it from its embedded Span.
func (s Span) Where() Span { return s }

// An Error is something in the text that is not Python, with the bytes at
// fault. The text around them has been read.
type Error struct {
	Span
	Message string
}

// A File is what a text holds.
type File struct {
	Span
	Name     string
	Text     string
	Body     []Stmt
	Comments []Span  // in order, each from its # to the end of the line
	Errors   []Error // in order; nil for a text that is Python

	lines []uint32 // where each line starts; made when first asked for
}

// Slice returns the text of a span.
func (f *File) Slice(s Span) string { return f.Text[s.Start:s.End] }

// Position returns the line, from 1, and the column, from 0 and in bytes as
// in CPython's ast, of a byte of the text. It is not safe for concurrent use.
func (f *File) Position(at uint32) (line, column int) {
	if f.lines == nil {
		f.lines = lineStarts(f.Text)
	}
	i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > at }) - 1
	return i + 1, int(at - f.lines[i])
}

// lineStarts finds the starts of lines; \n, \r\n and \r alone end one.
func lineStarts(text string) []uint32 {
	starts := append(make([]uint32, 0, len(text)/32+1), uint32(len(bom(text))))
	for i := range len(text) {
		if c := text[i]; c == '\n' || c == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			starts = append(starts, uint32(i+1))
		}
	}
	return starts
}

// Parse reads a text. It always returns a file; what is no Python in it is
// listed in the file's Errors. Spans count bytes of the text as it is, even
// when it declares an encoding in which ast would see other columns.
func Parse(name string, text []byte) *File {
	file := &File{Name: name}
	if len(text) > SizeMax {
		file.Errors = []Error{{Span{}, "the file is larger than 64 MB"}}
		return file
	}
	src := string(append(text[:len(text):len(text)], 0))
	file.Text = src[:len(text)]
	file.End = uint32(len(text))
	s := scanner{src: src, encoded: encodedOtherwise(file.Text), tokens: make([]token, 0, len(text)/4+8)}
	s.scan()
	p := parser{file: file, src: file.Text, tokens: s.tokens, errors: s.errors}
	p.parse()
	file.Comments = s.comments
	file.Errors = append(unknownEncoding(file.Text), p.errors...)
	sort.SliceStable(file.Errors, func(i, j int) bool { return file.Errors[i].Start < file.Errors[j].Start })
	return file
}
