// Package report prints what the checker found: as text for people, and in the
// formats of other programs.
//
//	err := report.Text(os.Stdout, findings, report.Explain)
//	err := report.SARIF(os.Stdout, findings)
package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// Depth is how much the text says of a finding. The zero Depth is one line.
type Depth uint8

// The depths.
const (
	Brief    Depth = iota // where and what
	Withheld              // and why --fix leaves it as it is
	Explain               // and how it comes about, why, and what to do
)

const columnMax = 58 // characters of one thread's column

// Text prints findings for people.
func Text(w io.Writer, found []finding.Finding, d Depth) error {
	var b strings.Builder
	for i, f := range found {
		if d == Explain && i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%v: %v: %s [%s]\n", f.At, f.Level, f.Message, f.Rule)
		switch d {
		case Withheld:
			fixes(&b, f, false)
		case Explain:
			explain(&b, f)
			fixes(&b, f, true)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explain(b *strings.Builder, f finding.Finding) {
	if len(f.Threads) > 1 {
		interleaving(b, f)
	} else {
		story(b, f)
	}
	for _, line := range f.Why {
		fmt.Fprintf(b, "  %s\n", line)
	}
	for _, line := range f.Advice {
		fmt.Fprintf(b, "  Mend: %s\n", line)
	}
}

// lists are where it stands what a rule's findings get no fix for.
var lists = map[string]string{sqlinject.RuleInjection: " (docs/sql-injection.md#what-a-parameter-cannot-be)"}

// fixes tells the fixes of a finding, those that --fix makes only when all are to be
// told; or why there is none.
func fixes(b *strings.Builder, f finding.Finding, all bool) {
	if len(f.Fixes) == 0 && f.NoFix != "" {
		fmt.Fprintf(b, "  No fix: %s%s\n", f.NoFix, lists[f.Rule])
	}
	for _, fix := range f.Fixes {
		flag := "--fix"
		if fix.Tier == finding.Unsafe || !f.Level.Fails() {
			flag = "--unsafe-fixes"
		} else if !all {
			continue
		}
		fmt.Fprintf(b, "  %s: %s", flag, fix.Title)
		if fix.Note != "" {
			fmt.Fprintf(b, " (%s)", fix.Note)
		}
		b.WriteString("\n")
	}
}

// story is the steps of one thread, one below the other.
func story(b *strings.Builder, f finding.Finding) {
	for i, s := range f.Steps {
		fmt.Fprintf(b, "  %d  %s %s\n", i+1, place(s.At), s.Text)
		if c := chain(s); c != "" {
			fmt.Fprintf(b, "     %s\n", c)
		}
		if line := strings.TrimSpace(lineOf(s.At)); line != "" {
			fmt.Fprintf(b, "       %s\n", line)
		}
	}
}

// interleaving is the steps of several threads, a column for each.
func interleaving(b *strings.Builder, f finding.Finding) {
	width := 24
	for i, t := range f.Threads {
		width = max(width, utf8.RuneCountInString(head(i, t)))
	}
	for _, s := range f.Steps {
		for _, line := range cell(s) {
			width = max(width, utf8.RuneCountInString(line))
		}
	}
	width = min(width, columnMax)
	b.WriteString("     ")
	for i, t := range f.Threads {
		row(b, head(i, t), width, i == len(f.Threads)-1)
	}
	for i, s := range f.Steps {
		for n, line := range cell(s) {
			number := "     "
			if n == 0 {
				number = fmt.Sprintf("  %d  ", i+1)
			}
			b.WriteString(number)
			for t := range f.Threads {
				text := ""
				if t == s.Thread {
					text = line
				}
				row(b, text, width, t == len(f.Threads)-1)
			}
		}
	}
}

func head(i int, thread string) string { return fmt.Sprintf("T%d %s", i+1, thread) }

// row writes one cell, and the line's end behind the last.
func row(b *strings.Builder, text string, width int, last bool) {
	if last {
		trimmed := strings.TrimRight(b.String(), " ")
		if text == "" {
			b.Reset()
			b.WriteString(trimmed)
		}
		b.WriteString(text + "\n")
		return
	}
	b.WriteString(text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0)) + " | ")
}

// cell is what one step says in its thread's column.
func cell(s finding.Step) []string {
	lines := []string{place(s.At) + " " + s.Text}
	if c := chain(s); c != "" {
		lines = append(lines, "  "+c)
	}
	return lines
}

// chain names the calls that lead to a step: task1 -> helper (m.py:8).
func chain(s finding.Step) string {
	if len(s.Via) == 0 {
		return ""
	}
	var b strings.Builder
	last := ""
	if len(s.Names) > 0 {
		last = s.Names[0]
	}
	first := last
	for i, at := range s.Via {
		name := "?"
		if i+1 < len(s.Names) {
			name = s.Names[i+1]
		}
		if name == last && !at.Known() {
			continue // a method value, which calls its method
		}
		last = name
		fmt.Fprintf(&b, " -> %s (%s)", name, place(at))
	}
	if b.Len() == 0 {
		return ""
	}
	return "via " + first + b.String()
}

func place(s ir.Span) string {
	if !s.Known() {
		return "?"
	}
	return fmt.Sprintf("%s:%d", s.File.Path[strings.LastIndexByte(s.File.Path, '/')+1:], s.Line())
}

func lineOf(s ir.Span) string {
	if !s.Known() {
		return ""
	}
	return s.File.LineText(s.Start)
}

// GitHub prints findings as annotations of a workflow run.
func GitHub(w io.Writer, found []finding.Finding) error {
	var b strings.Builder
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range found {
		kind := "warning"
		if f.Level.Fails() {
			kind = "error"
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", kind, property.Replace(f.At.File.Path), f.At.Line(), f.At.File.Column(f.At.Start), f.Rule, escape.Replace(f.Message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
