package finding

import (
	"regexp"
	"slices"
	"strings"
)

// A Database is the kind a query goes to, as far as it decides what a bound
// parameter means. The zero Database is any.
type Database uint8

// The databases.
const (
	AnyDatabase   Database = iota // not known: what holds in all of them
	SQLite                        // a number and its text differ, unless they meet the type of a column
	Postgres                      // a parameter's type comes from what stands around it
	MySQL                         // LIMIT takes numbers only
	Question                      // SQLite or MySQL: drivers that write ?
	ClientSideSQL                 // PostgreSQL behind a driver that writes the values into the text
)

// A Place is where a parameter would stand in SQL. Holes of the text around it
// are written as ?.
type Place struct {
	Before, Behind string
	Statement      string // all that is known of the statement, where that is more
	Database       Database
}

// Value reports whether the place outside quotes is surely for one value, which
// is a token of its own and means the same when it is bound as text. A name, a
// list or a stretch of SQL could stand anywhere else.
func (p Place) Value() bool {
	before, behind := Bare(p.Before), Bare(p.Behind)
	if !p.Alone() || joins(before) {
		return false
	}
	switch {
	case limited.MatchString(before):
		return p.Database != MySQL && p.Database != Question && p.Database != AnyDatabase
	case inserted.MatchString(before):
		return single(before, behind)
	case inList.MatchString(before):
		return false // one hole between parentheses may be a list
	case besideColumn.MatchString(p.Before) && (!grouped.MatchString(before) && !p.aliased() || p.typed()):
		return true
	case compares.MatchString(before):
		return p.typed()
	}
	return asText.MatchString(before) && p.Database != Postgres && p.Database != ClientSideSQL && p.Database != AnyDatabase
}

// List reports whether a list of values stands behind IN, compared with what
// makes each of them the same when it is bound as text.
func (p Place) List() bool {
	return !joins(Bare(p.Before)) && (besideColumn.MatchString(p.Before) && !grouped.MatchString(Bare(p.Before)) && !p.aliased() || p.typed())
}

// Quoted reports whether a quoted string at the place is a value, not a name,
// and whether a parameter has a type there. Before ends ahead of the quote,
// Behind begins after the other.
func (p Place) Quoted() bool {
	before, behind := Bare(p.Before), Bare(p.Behind)
	if TypesLiteral(p.Before) || !takesString.MatchString(before) || names.MatchString(before) || loneIn.MatchString(before) && closes.MatchString(behind) {
		return false
	}
	if grouping.MatchString(before+" "+behind+" "+Bare(p.Statement)) && !fromClause.MatchString(before) {
		return false // the database no longer sees that two expressions are the same
	}
	if arrow.MatchString(before) && p.Database != Postgres && p.Database != ClientSideSQL && p.Database != SQLite {
		return false
	}
	fn := strings.ToLower(function(before))
	return p.Database != Postgres && p.Database != AnyDatabase || fn == "" || slices.Contains(plain, fn)
}

// typed reports whether the database gives a parameter the type of what it is
// compared with, whatever that is.
func (p Place) typed() bool { return p.Database > SQLite && p.Database != Question }

// plain are words before a parenthesis behind which a parameter has a type in
// PostgreSQL: no functions, or of text only.
var plain = []string{"values", "in", "and", "or", "not", "where", "lower", "upper", "coalesce", "nullif", "trim", "select", "on", "when", "then", "else"}

// Alone reports whether nothing stands right beside the place that makes one token
// with a value: {x}0, {x}.5, a quote too many.
func (p Place) Alone() bool {
	return !(p.Before != "" && glues(p.Before[len(p.Before)-1]) || p.Behind != "" && glues(p.Behind[0]))
}

func glues(c byte) bool { return wordByte(c) || strings.IndexByte(".'\"`#@$[\\?", c) >= 0 }

const column = "((?:[A-Za-z_]\\w*|\\?|\"[^\"]+\"|`[^`]+`)(?:\\s*\\.\\s*(?:[A-Za-z_]\\w*|\"[^\"]+\"|`[^`]+`))*)"

var (
	// A column right before, compared or set: its type is given to the value.
	besideColumn = regexp.MustCompile(`(?i)(?:^|\b(?:WHERE|AND|OR|SET|NOT|WHEN)\s|[(,])\s*` + column +
		`\s*(?:=|==|<|>|<=|>=|<>|!=|\bIS(?:\s+NOT)?|(?:\bNOT\s+)?\bBETWEEN(?:\s+(?:\?|[\w.+-]+|'[^']*')\s+AND)?|(?:\bNOT\s+)?\bIN\s*\([^()]*|(?:\bNOT\s+)?\bIN)\s*$`)
	grouped     = regexp.MustCompile(`(?i)\b(?:GROUP\s+BY|HAVING)\b`)
	inserted    = regexp.MustCompile(`(?i)\bVALUES\s*(?:\([^()]*\)\s*,\s*)*\(([^()]*)$`)
	columns     = regexp.MustCompile(`(?i)\bINTO\s+\S+\s*\(([^()]*)\)\s*VALUES\b`)
	asText      = regexp.MustCompile(`(?i)(?:\bLIKE|\|\||[-+*/%])\s*$`) // text and its number do alike
	limited     = regexp.MustCompile(`(?i)\b(?:LIMIT|OFFSET|TOP|LIMIT\s+(?:\?|\d+)\s*,)\s*$`)
	inList      = regexp.MustCompile(`(?i)\bIN\s*(?:\([^()]*)?$`)
	loneIn      = regexp.MustCompile(`(?i)\bIN\s*\(\s*$`)
	closes      = regexp.MustCompile(`^\s*\)`)
	compares    = regexp.MustCompile(`(?:^|[^-@<>=!#?&|~^+*/])(?:=|<>|!=|<=|>=|<|>)\s*$`)
	arrow       = regexp.MustCompile(`->>?\s*$`)
	takesString = regexp.MustCompile(`(?i)(?:[=<>(,|~]|\b(?:LIKE|ILIKE|BETWEEN|AND|THEN|ELSE|WHEN|SELECT|REGEXP|RLIKE|GLOB|MATCH|IN|IS|NOT))\s*$`)
	names       = regexp.MustCompile(`(?i)\b(?:INTO\s+\S+\s*\([^()]*|FROM\s+[\w".` + "`" + `\s]*,\s*|JOIN\s*\()$`)
	grouping    = regexp.MustCompile(`(?i)\bGROUP\s+BY\b`)
	fromClause  = regexp.MustCompile(`(?i)\b(?:WHERE|HAVING)\b`)
	lastOn      = regexp.MustCompile(`(?i)\b(?:ON|USING)\b`)
	otherClause = regexp.MustCompile(`(?i)\b(?:WHERE|SET|VALUES|HAVING|LIMIT)\b`)
)

// joins reports whether SQL ends in the condition of a join, where columns are
// compared with columns.
func joins(before string) bool {
	on, other := lastOn.FindAllStringIndex(before, -1), otherClause.FindAllStringIndex(before, -1)
	return on != nil && (other == nil || other[len(other)-1][0] < on[len(on)-1][0])
}

// single reports whether a hole among inserted values is one of them: as many
// stand there as the columns that are named, or several.
func single(before, behind string) bool {
	row := inserted.FindStringSubmatch(before)[1]
	end := strings.IndexAny(behind, "()")
	if end < 0 || behind[end] == '(' {
		return false
	}
	values := strings.Count(row+behind[:end], ",") + 1
	if named := columns.FindStringSubmatch(before); named != nil {
		return strings.Count(named[1], ",")+1 == values
	}
	return values > 1
}

// aliased reports whether the column right before a place is a name for an
// expression, which has no type in SQLite.
func (p Place) aliased() bool {
	m := besideColumn.FindStringSubmatch(p.Before)
	if m == nil {
		return true
	}
	parts := strings.Split(m[1], ".")
	name := strings.Trim(strings.TrimSpace(parts[len(parts)-1]), "\"`")
	if name == "?" {
		return false
	}
	if withColumns.MatchString(p.Before) || withColumns.MatchString(p.Statement) {
		return true
	}
	alias := regexp.MustCompile(`(?i)(?:\bAS|\)|\bEND|\b\d+|[-+*/%|]\s*\w+)\s*\s["` + "`]?" + regexp.QuoteMeta(name) + `\b`)
	return alias.MatchString(p.Before[:len(p.Before)-len(m[0])] + " " + p.Behind + " " + p.Statement)
}

// withColumns is a common table expression that names its columns itself.
var withColumns = regexp.MustCompile(`(?i)^\s*WITH\s+(?:RECURSIVE\b|\w+\s*\()`)

// function is the word before the innermost parenthesis that SQL leaves open.
func function(before string) string {
	depth := 0
	for i := len(before) - 1; i >= 0; i-- {
		switch before[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth < 0 {
				head := strings.TrimRight(before[:i], " \t\r\n")
				at := len(head)
				for at > 0 && wordByte(head[at-1]) {
					at--
				}
				if inserted.MatchString(before) {
					return "values"
				}
				return head[at:]
			}
		}
	}
	return ""
}
