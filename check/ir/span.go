package ir

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// Language is what a file is written in.
type Language uint8

// The languages read.
const (
	Go Language = iota
	Python
)

// A File is one source file as it was read.
type File struct {
	Path  string // as the user named it, slash-separated
	Abs   string // where it is on disk
	Text  []byte
	Lang  Language
	Clean map[int]string // line -> reason of a `penstock:allow reason` comment on it

	lines []int // offset of each line's first byte
}

// Line returns the line, from 1, that the byte at offset is on.
func (f *File) Line(offset int) int {
	if f.lines == nil {
		f.lines = append(f.lines, 0)
		for i, c := range f.Text {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	return sort.SearchInts(f.lines, offset+1)
}

// Column returns the column, from 1 and in characters, of the byte at offset.
func (f *File) Column(offset int) int {
	offset = min(max(offset, 0), len(f.Text))
	return 1 + utf8.RuneCount(f.Text[f.start(offset):offset])
}

// start returns the offset of the first byte of offset's line.
func (f *File) start(offset int) int { return f.lines[f.Line(offset)-1] }

// LineText returns the line that the byte at offset is on, without its end.
func (f *File) LineText(offset int) string {
	from := f.start(min(max(offset, 0), len(f.Text)))
	to := from
	for to < len(f.Text) && f.Text[to] != '\n' && f.Text[to] != '\r' {
		to++
	}
	return string(f.Text[from:to])
}

// A Span is the bytes File.Text[Start:End]. The zero Span is nowhere.
type Span struct {
	File       *File
	Start, End int
}

// Known reports whether the span is somewhere.
func (s Span) Known() bool { return s.File != nil }

// Text returns the spanned bytes, "" when the span is nowhere.
func (s Span) Text() string {
	if !s.Known() || s.Start < 0 || s.End > len(s.File.Text) || s.Start > s.End {
		return ""
	}
	return string(s.File.Text[s.Start:s.End])
}

// Line is the line the span starts on, from 1; 0 when it is nowhere.
func (s Span) Line() int {
	if !s.Known() {
		return 0
	}
	return s.File.Line(s.Start)
}

// String is path:line:column.
func (s Span) String() string {
	if !s.Known() {
		return "?"
	}
	return fmt.Sprintf("%s:%d:%d", s.File.Path, s.Line(), s.File.Column(s.Start))
}

// Contains reports whether o lies inside s.
func (s Span) Contains(o Span) bool {
	return s.File == o.File && s.Start <= o.Start && o.End <= s.End
}
