package finding

import (
	"regexp"
	"strings"
)

// A Schema is what a program's own text says of the columns of its tables. SQLite
// makes a number of a text that meets a column of numbers; in the others a bound
// '7' is not the 7 that stood in the statement. The zero Schema knows no table.
type Schema struct {
	tables map[string][]tableColumn // by name, in lower case; "" for those whose names are made while the program runs
}

type tableColumn struct {
	name    string // lower case
	nth     int    // its place in the table
	numbers bool   // a text that is stored or compared there becomes a number, if it is one
}

// statementMax is how much of a text a statement that makes a table may take.
const statementMax = 1 << 14

var (
	makesTable = regexp.MustCompile(`(?i)\bCREATE\s[\w\s]*?\b(?:TABLE|VIEW)\b|\bALTER\s+TABLE\b`)
	addsColumn = regexp.MustCompile(`(?i)^\s*(\S+)\s+ADD\s+(?:COLUMN\s+)?([^,;)]*)`)
	tableName  = regexp.MustCompile(`(?i)^\s*(?:IF\s+NOT\s+EXISTS\s+)?([^\s(;]+)\s*(?:USING\s+\w+\s*)?(\(|AS\b)?`)
	quoteSigns = strings.NewReplacer(`\n`, " ", `\t`, " ", `"`, " ", "'", " ", "`", " ", "+", " ", "[", " ", "]", " ", `\`, " ")
	remarks    = regexp.MustCompile(`--[^\n]*|/\*(?s:.*?)\*/`)
	aliases    = regexp.MustCompile(`(?i)(?:\bAS\s+|\)\s*(?:AS\s+)?)([A-Za-z_]\w*)`)
	constraint = regexp.MustCompile(`(?i)^(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN|EXCLUDE|KEY|INDEX)$`)
	typeEnds   = regexp.MustCompile(`(?i)\b(?:CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS|ON|AUTOINCREMENT)\b`)
	noNumber   = regexp.MustCompile(`(?i)CHAR|CLOB|TEXT|BLOB`)
	wholeType  = regexp.MustCompile(`(?i)INT`)
)

// Read adds the tables that a source text makes, in whatever language it is: the
// quotes of the language count as blanks.
func (s *Schema) Read(text string) {
	all := makesTable.FindAllStringIndex(text, -1)
	for i, at := range all {
		end := min(len(text), at[1]+statementMax)
		if i+1 < len(all) {
			end = min(end, all[i+1][0])
		}
		rest := quoteSigns.Replace(remarks.ReplaceAllString(text[at[1]:end], " "))
		if c := text[at[0]] | 0x20; c == 'a' {
			if m := addsColumn.FindStringSubmatch(rest); m != nil {
				c := columnOf(m[2])
				c.nth = len(s.tables[tableKey(m[1])]) // behind the others
				s.add(m[1], []tableColumn{c})
			}
			continue
		}
		m := tableName.FindStringSubmatchIndex(rest)
		if m == nil || m[4] < 0 {
			continue
		}
		name, body := rest[m[2]:m[3]], rest[m[4]:]
		if body[0] != '(' {
			s.add(name, selected(body[len("AS"):]))
			continue
		}
		list, behind := parenthesised(body)
		columns := columnsOf(list)
		if f := strings.Fields(behind); len(f) > 0 && strings.EqualFold(f[0], "AS") { // CREATE VIEW v (a, b) AS SELECT …
			columns = untyped(columns)
		}
		s.add(name, columns)
	}
}

// tableKey is a table's name as it is looked for.
func tableKey(name string) string {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if strings.ContainsAny(name, "{}%$") {
		return ""
	}
	return name
}

func (s *Schema) add(name string, columns []tableColumn) {
	name = tableKey(name)
	if s.tables == nil {
		s.tables = map[string][]tableColumn{}
	}
	s.tables[name] = append(s.tables[name], columns...)
}

// parenthesised is what stands in the parentheses that a text begins with, and what
// behind them.
func parenthesised(text string) (inside, behind string) {
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[1:i], text[i+1:]
			}
		}
	}
	return text[1:], ""
}

// columnsOf are the columns of a table's definition.
func columnsOf(list string) (out []tableColumn) {
	depth, from := 0, 0
	add := func(to int) {
		c := columnOf(list[from:to])
		if c.name != "" && !constraint.MatchString(c.name) {
			c.nth = len(out)
			out = append(out, c)
		}
		from = to + 1
	}
	for i, c := range list {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			add(i)
		}
	}
	add(len(list))
	return out
}

// columnOf is one column. SQLite goes by the words of its type: INT before all
// others, then what names text or bytes; no type is none.
func columnOf(definition string) tableColumn {
	words := strings.Fields(definition)
	if len(words) == 0 {
		return tableColumn{}
	}
	kind := strings.Join(words[1:], " ")
	if at := typeEnds.FindStringIndex(kind); at != nil {
		kind = kind[:at[0]]
	}
	return tableColumn{name: strings.ToLower(words[0]), numbers: strings.TrimSpace(kind) != "" && (wholeType.MatchString(kind) || !noNumber.MatchString(kind))}
}

// selected are the names that a query gives its columns: those of expressions have
// no type.
func selected(query string) (out []tableColumn) {
	query, _, _ = strings.Cut(query, ";")
	for _, m := range aliases.FindAllStringSubmatch(query, -1) {
		out = append(out, tableColumn{name: strings.ToLower(m[1])})
	}
	return out
}

func untyped(list []tableColumn) []tableColumn {
	for i := range list {
		list[i].numbers = false
	}
	return list
}

// NoNumbers is the column that a value at a place meets, of which the program says
// that SQLite keeps a text there as it is; "" when it says no such thing.
func (s *Schema) NoNumbers(p Place) string {
	if s == nil || len(s.tables) == 0 {
		return ""
	}
	name, nth := p.column()
	words := strings.FieldsFunc(strings.ToLower(p.Before+" "+p.Behind+" "+p.Statement), func(r rune) bool { return r < 0x80 && !wordByte(byte(r)) })
	for _, table := range append(words, "") {
		for _, c := range s.tables[table] {
			if !c.numbers && (c.name == name || name == "?" || name == "" && table != "" && c.nth == nth) {
				return c.name
			}
		}
	}
	return ""
}

// column is the column that a value at a place is compared with or stored in: its
// name, else its number among those of the table; "" and -1 for none.
func (p Place) column() (name string, nth int) {
	before := Bare(p.Before)
	if m := inserted.FindStringSubmatch(before); m != nil {
		nth = strings.Count(m[1], ",")
		if named := columns.FindStringSubmatch(p.Before); named != nil {
			list := strings.Split(named[1], ",")
			if nth < len(list) {
				return strings.ToLower(strings.Trim(list[nth], " \t\n\r\"`")), -1
			}
		}
		return "", nth
	}
	m := besideColumn.FindStringSubmatch(p.Before)
	if m == nil {
		return "", -1
	}
	parts := strings.Split(m[1], ".")
	return strings.ToLower(strings.Trim(strings.TrimSpace(parts[len(parts)-1]), "\"`")), -1
}
