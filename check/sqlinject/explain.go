package sqlinject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// tell makes the finding: where the value comes from, what an attacker sends,
// what then runs, and how to mend it. bound says that arguments given beside
// the text reach the database.
func (w *walk) tell(q *ir.Query, t text, pieces []finding.Piece, key string, bound bool) *told {
	shown := spread(t, pieces)
	places := located(shown)
	at := worstPart(shown)
	p := shown[at]
	f := &told{Finding: finding.Finding{
		Rule: RuleInjection, At: q.Span, Key: key,
		Level:   level(p.taint, places[at].Context, finding.TakesParameters(pieces)),
		Message: fmt.Sprintf("SQL injection: %s is put into the text of a query, %s", name(p), standing(places[at])),
	}}
	f.Steps = w.steps(q, p)
	f.Why = danger(shown, places, at)
	f.Advice = advice(q, places, p)
	f.unfixable = unfixable(q, pieces, bound)
	if f.unfixable != "" && bindable(places) && !bindable(pieces) {
		f.unfixable = finding.NoSingle
	}
	f.rewrite = finding.Rewrite{Query: q, Pieces: pieces, Taint: map[ir.Span]bool{}, Whole: w.built(q.SQL), Driver: q.Driver, Style: q.Style}
	f.rewrite.Made = func(at ir.Span) (finding.Making, bool) { return w.making(w.fn, at) }
	return f
}

// located makes a text into pieces, each with its place in the SQL.
func located(t text) []finding.Piece {
	out := make([]finding.Piece, len(t))
	for i, p := range t {
		out[i] = finding.Piece{Text: p.text, Expr: p.expr, At: p.at, Hole: p.hole, List: p.list, Tainted: p.taint != harmless}
	}
	finding.Locate(out)
	return out
}

// fragments are the methods that take a part of a statement: gorm's, Django's.
var fragments = map[string]bool{"Where": true, "Or": true, "Not": true, "Having": true, "Joins": true, "RawSQL": true,
	"Find": true, "First": true, "Last": true, "Take": true, "Delete": true,
}

// standing says how a hole stands in the statement.
func standing(p finding.Piece) string {
	if p.Context == finding.Identifier && p.Clause == "SELECT" {
		return "as a column"
	}
	return [...]string{
		finding.Value: "as a value", finding.Quoted: "between quotes", finding.Partial: "inside a quoted string", finding.InList: "as a list",
		finding.Limit: "as a limit", finding.Identifier: "as a name", finding.OrderBy: "as an order", finding.Syntax: "as a part of the statement",
	}[p.Context]
}

// spread is a text in which a list that was joined of pieces of SQL is shown by what
// is made of one element: there the value stands.
func spread(t text, pieces []finding.Piece) (out text) {
	for i, p := range t {
		if len(p.each) > 1 && pieces[i].Context != finding.InList {
			out = append(out, p.each...)
		} else {
			out = append(out, p)
		}
	}
	return out
}

func worstPart(t text) int {
	at := 0
	for i, p := range t {
		if p.taint > t[at].taint {
			at = i
		}
	}
	return at
}

// name is the hole as it is written, without the braces of a format string.
func name(p part) string {
	text := strings.Trim(p.at.Text(), "{}")
	if p.expr != nil && (text == "" || len(text) > 40 || strings.Contains(text, "\n")) {
		text = p.expr.At().Text()
	}
	if text == "" || len(text) > 40 || strings.Contains(text, "\n") {
		return "a value"
	}
	return text
}

// comes is what is told of a value that has no other name than where it comes from.
var comes = [...]string{
	harmless: " is put in", unknown: " is not seen to be harmless", row: " is what a database holds", member: " belongs to what a caller hands in",
	parameter: " is what whoever calls or starts the program gives", operator: " is what whoever runs the program gives", outside: " comes from outside the program",
}

func (w *walk) steps(q *ir.Query, p part) []finding.Step {
	var steps []finding.Step
	from := p.from
	if from == "" {
		from = "a value that is not constant"
	}
	begin := p.at
	if strings.HasPrefix(from, "the parameter ") && w.fn.Span.Known() {
		begin = ir.Span{File: w.fn.Span.File, Start: w.fn.Span.Start, End: w.fn.Span.Start}
	}
	said := name(p) + " is " + from
	if from == name(p) {
		said = name(p) + comes[p.taint]
	}
	steps = append(steps, finding.Step{At: begin, Text: said})
	if p.at.Known() {
		steps = append(steps, finding.Step{At: p.at, Text: "it becomes a part of the text"})
	}
	return append(steps, finding.Step{At: q.Span, Text: "the text is sent, and the database reads all of it as SQL"})
}

// danger shows what an attacker sends and what the database is then asked.
func danger(t text, pieces []finding.Piece, at int) []string {
	payload, effect := attack(t, pieces, at)
	var b strings.Builder
	for i, p := range t {
		switch {
		case i == at:
			b.WriteString(payload)
		case p.hole && p.text == "":
			b.WriteString("...")
		default:
			b.WriteString(p.text)
		}
	}
	sql := strings.Join(strings.Fields(b.String()), " ")
	if len(sql) > 200 {
		sql = sql[:200] + "..."
	}
	return []string{
		fmt.Sprintf("An attacker sends %s = %s", name(t[at]), payload),
		fmt.Sprintf("and the database runs %s: %s.", sql, effect),
		"Rule: a value travels beside the text of a query, as a bound parameter, never in it.",
	}
}

// attack is what an attacker sends for a hole, and what comes of it.
func attack(t text, pieces []finding.Piece, at int) (payload, effect string) {
	const secret = "(SELECT password FROM users)"
	p := pieces[at]
	quoted := p.Context == finding.Quoted || p.Context == finding.Partial
	switch p.Context {
	case finding.InList:
		return "0) OR (1=1", "every row"
	case finding.Limit:
		return "1 UNION SELECT name, sql FROM sqlite_master", "another table"
	case finding.OrderBy:
		return "(SELECT CASE WHEN 1=1 THEN 1 ELSE 2 END)", "an answer to any question, a bit at a time"
	}
	switch p.Clause {
	case "VALUES", "SELECT", "RETURNING":
		if quoted {
			return "' || " + secret + " || '", "what another table holds"
		}
		return secret, "what another table holds"
	case "SET":
		switch {
		case quoted:
			return "', admin = '1", "another column as well"
		case p.Context == finding.Value:
			return "0, admin = 1", "another column as well"
		}
		return "admin = 1 --", "another column, of every row"
	case "":
		if p.Context == finding.Syntax {
			return "DROP TABLE users --", "another statement"
		}
	}
	switch {
	case quoted:
		return "' OR '1'='1", "every row"
	case p.Context == finding.Value:
		return "0 OR 1=1", "every row"
	case p.Context == finding.Syntax:
		return "1=1 --", "every row"
	}
	end := ""
	if at > 0 && !t[at-1].hole && strings.HasSuffix(t[at-1].text, `"`) {
		end = `"`
	}
	return "users" + end + " --", "another table, and the rest is a comment"
}

func advice(q *ir.Query, pieces []finding.Piece, p part) []string {
	var out []string
	for _, piece := range pieces {
		if !piece.Hole || !piece.Tainted {
			continue
		}
		switch piece.Context {
		case finding.Identifier:
			if piece.Clause == "SELECT" {
				out = append(out, fmt.Sprintf("A column's name cannot be a parameter: look %s up in a fixed list of names, and refuse what is not in it. If it is a value, write the placeholder and hand it over beside the text.", name(p)))
				continue
			}
			out = append(out, fmt.Sprintf("A name cannot be a parameter: look %s up in a fixed list of names, and refuse what is not in it.", name(p)))
		case finding.OrderBy:
			out = append(out, fmt.Sprintf("An order cannot be a parameter: choose it from a fixed list, such as %s, with %s as the key, and refuse what is not in it.", orders[q.Span.File.Lang], name(p)))
		case finding.Syntax:
			out = append(out, "A part of a statement cannot be a parameter: write the statements out and choose one.")
		}
	}
	if len(out) > 0 {
		return out[:1]
	}
	if q.Style == ir.NoStyle && q.Span.File.Lang == ir.Go {
		return []string{"Which driver stands behind database/sql is not seen here: name it, as --driver pgx, to have it mended. Or write its placeholder (pgx and pq $1, MySQL and SQLite ?, SQL Server @p1) in the text and hand the value over beside it."}
	}
	if q.Style == ir.NoStyle {
		if q.Span.Known() && q.Span.File.Lang == ir.Python {
			return []string{"Which driver it is is not seen here: name it, as --driver sqlite3, to have it mended. Or write its placeholder (sqlite3 ?, psycopg and MySQL %s, asyncpg $1) in the text and hand the value over beside it."}
		}
		return []string{"Which driver it is is not seen here. Write its placeholder (sqlite3 ?, psycopg and MySQL %s, pgx $1) in the text and hand the value over beside it."}
	}
	if slices.ContainsFunc(pieces, func(p finding.Piece) bool { return p.Tainted && p.Context == finding.InList }) {
		return []string{fmt.Sprintf("Write %s in the text once for each value of the list, and hand the values over beside it.", placeholder(q.Style))}
	}
	return []string{fmt.Sprintf("Write %s in the text and hand %s over beside it.", placeholder(q.Style), name(p))}
}

// orders is a fixed list of orders in each language.
var orders = map[ir.Language]string{
	ir.Go:     `map[string]string{"newest": "created DESC"}`,
	ir.Python: `{"newest": "created DESC"}`,
}

func placeholder(s ir.Style) string {
	return [...]string{ir.NoStyle: "?", ir.Qmark: "?", ir.Percent: "%s", ir.Dollar: "$1", ir.Named: ":name", ir.AtP: "@p1", ir.ColonIndex: ":1"}[s]
}

// unfixable is why a query is nothing that a fix could be made of; "" for one that may be.
func unfixable(q *ir.Query, pieces []finding.Piece, bound bool) string {
	switch {
	case !bindable(pieces):
		return "no parameter can stand for a name, an order or a part of a statement"
	case !bound:
		return "what sends the text is given no parameters for it"
	case q.Method == "executescript":
		return "executescript takes no parameters"
	case !fragments[q.Method] && !finding.TakesParameters(pieces):
		return "not every database binds values in such a statement, or in several in one text"
	}
	return ""
}

// bindable reports whether every tainted hole can be a parameter.
func bindable(pieces []finding.Piece) bool {
	for _, p := range pieces {
		if p.Hole && p.Tainted && !p.Context.Bindable() {
			return false
		}
	}
	return true
}

// built is the expression that builds a query's text: what its variable was
// assigned, when that happened once.
func (w *walk) built(e ir.Expr) ir.Expr {
	v, local := e.(*ir.Var)
	name := globalOf(e)
	if !local && name == "" {
		return e
	}
	var only ir.Expr
	for _, b := range w.fn.Blocks {
		for _, op := range b.Ops {
			as, ok := op.(*ir.Assign)
			if !ok {
				continue
			}
			if to, ok := as.To.(*ir.Var); ok && local && to.Name == v.Name || name != "" && globalOf(as.To) == name {
				if only != nil && only.At() != as.Value.At() {
					return e
				}
				only = as.Value
			}
		}
	}
	if only == nil {
		return e
	}
	return only
}
