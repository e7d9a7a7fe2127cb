package csvfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A kind is what all cells of a column are.
type kind uint8

const (
	kindEmpty kind = iota
	kindBool
	kindInt
	kindDecimal
	kindNumber
	kindTime
	kindText
)

// A column is what a sample shows of one.
type column struct {
	kind          kind
	name          string
	empty, filled int
	whole, scale  int // most digits before and behind the point
	distinct      map[string]struct{}
}

var (
	decimalLike = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	numberLike  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

func kindOf(cell string) kind {
	switch {
	case cell == "true" || cell == "false":
		return kindBool
	case decimalLike.MatchString(cell):
		if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
			return kindInt
		}
		if strings.Contains(cell, ".") && len(cell) <= 18 {
			return kindDecimal
		}
		return kindNumber
	case numberLike.MatchString(cell):
		return kindNumber
	}
	if _, err := time.Parse(time.RFC3339Nano, cell); err == nil {
		return kindTime
	}
	return kindText
}

// wider is the narrowest kind that both are of.
func wider(a, b kind) kind {
	switch {
	case a == b || b == kindEmpty:
		return a
	case a == kindEmpty:
		return b
	case a >= kindInt && a <= kindNumber && b >= kindInt && b <= kindNumber:
		return max(a, b)
	}
	return kindText
}

// column looks at all cells of column j.
func (s *Sample) column(j int) column {
	c := column{name: s.Columns[j], distinct: map[string]struct{}{}}
	for _, r := range s.Records {
		cell := r[j]
		if cell == "" {
			c.empty++
			continue
		}
		c.filled++
		c.distinct[cell] = struct{}{}
		k := kindOf(cell)
		c.kind = wider(c.kind, k)
		if k == kindInt || k == kindDecimal {
			whole, behind, _ := strings.Cut(strings.TrimPrefix(cell, "-"), ".")
			c.whole, c.scale = max(c.whole, len(whole)), max(c.scale, len(behind))
		}
	}
	if c.kind == kindDecimal && c.whole+c.scale > 18 {
		c.kind = kindNumber
	}
	return c
}

// unique reports whether the column could tell records apart.
func (c column) unique() bool {
	named := c.name == "id" || strings.HasSuffix(strings.ToLower(c.name), "id") || strings.HasSuffix(strings.ToLower(c.name), "key")
	return named && c.empty == 0 && len(c.distinct) == c.filled && (c.kind == kindInt || c.kind == kindText)
}

// schema is the column's JSON Schema, as YAML. Numbers get some digits more
// than the sample has.
func (c column) schema() string {
	text := map[kind]string{
		kindEmpty:  "{type: string}   # empty in the whole sample",
		kindBool:   "{type: boolean}",
		kindInt:    "{type: integer}",
		kindNumber: "{type: number}",
		kindTime:   "{type: string, format: date-time}",
		kindText:   "{type: string}",
	}[c.kind]
	if c.kind == kindDecimal {
		text = fmt.Sprintf(`{type: number, format: "decimal(%d,%d)"}`, min(18, max(c.whole+2, 10)+c.scale), c.scale)
	}
	if c.kind == kindText && len(c.distinct) > 1 && len(c.distinct) <= 8 && c.filled >= 100 {
		text += fmt.Sprintf("   # %d different values in the sample: an enum?", len(c.distinct))
	}
	return text
}
