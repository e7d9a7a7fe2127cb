package syntax_test

import (
	"fmt"
	"hash/crc32"
	"reflect"
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A dumper writes a tree as testdata/dump.py writes CPython's.
type dumper struct {
	file  *syntax.File
	exact bool // positions inside f-strings too, as CPython has them since 3.12
	lines []string
}

func dump(file *syntax.File, exact bool) []string {
	d := dumper{file: file, exact: exact}
	d.lines = append(d.lines, "0 Module -")
	for _, s := range file.Body {
		d.node(s, 1, true)
	}
	return d.lines
}

func (d *dumper) line(depth int, kind, where, text string) {
	d.lines = append(d.lines, strings.TrimRight(fmt.Sprintf("%d %s %s %s", depth, kind, where, text), " "))
}

func (d *dumper) where(s syntax.Span, exact bool) string {
	if !exact {
		return "-"
	}
	line, column := d.file.Position(s.Start)
	endLine, endColumn := d.file.Position(s.End)
	return fmt.Sprintf("%d:%d-%d:%d", line, column, endLine, endColumn)
}

func (d *dumper) node(n syntax.Node, depth int, exact bool) {
	kind, text := d.label(n)
	where := d.where(n.Where(), exact)
	switch n.(type) {
	case *syntax.Arguments, *syntax.Comprehension, *syntax.WithItem, *syntax.MatchCase:
		where = "-"
	}
	d.line(depth, kind, where, text)
	if j, ok := n.(*syntax.JoinedStr); ok {
		d.joined(j, depth+1, exact && d.exact)
		return
	}
	syntax.Walk(n, func(part syntax.Node) bool {
		if part == n {
			return true
		}
		d.node(part, depth+1, exact)
		return false
	})
}

// joined writes the parts of a template; ast joins constants side by side.
func (d *dumper) joined(j *syntax.JoinedStr, depth int, exact bool) {
	var value strings.Builder
	var span syntax.Span
	add := func(s syntax.Span, text string) {
		if text == "" {
			return
		}
		if value.Len() == 0 {
			span = s
		}
		span.End = s.End
		value.WriteString(text)
	}
	flush := func() {
		if value.Len() > 0 {
			d.line(depth, "Constant", d.where(span, exact), sum("str", value.String()))
			value.Reset()
		}
	}
	for _, part := range j.Parts {
		if c, ok := part.(*syntax.Constant); ok {
			add(c.Span, d.file.StringValue(c))
			continue
		}
		r := part.(*syntax.Replacement)
		if r.Debug {
			add(r.Source, d.file.Slice(r.Source))
		}
		flush()
		d.node(r, depth, exact)
	}
	flush()
}

// sum stands for a text; that of one with characters by name is unknown.
func sum(kind, value string) string {
	if strings.Contains(value, "\ufffd") {
		return kind + " *"
	}
	return fmt.Sprintf("%s %d", kind, crc32.ChecksumIEEE([]byte(value)))
}

var (
	contexts   = []string{"", ".Store", ".Del"}
	operators  = []string{".Add", ".Sub", ".Mult", ".Div", ".FloorDiv", ".Mod", ".MatMult", ".Pow", ".LShift", ".RShift", ".BitOr", ".BitXor", ".BitAnd"}
	unaries    = []string{".Invert", ".Not", ".UAdd", ".USub"}
	compares   = []string{".Eq", ".NotEq", ".Lt", ".LtE", ".Gt", ".GtE", ".Is", ".IsNot", ".In", ".NotIn"}
	comps      = []string{"ListComp", "SetComp", "DictComp", "GeneratorExp"}
	typeParams = []string{"TypeVar", "TypeVarTuple", "ParamSpec"}
	constants  = []string{"NoneType", "bool", "bool", "ellipsis", "int", "float", "complex"}
)

// label is what a node is called in ast, with its operators and names.
func (d *dumper) label(n syntax.Node) (kind, text string) {
	kind = reflect.TypeOf(n).Elem().Name()
	switch n := n.(type) {
	case *syntax.Name:
		return kind + contexts[n.Ctx], n.ID
	case *syntax.Attribute:
		return kind + contexts[n.Ctx], n.Attr
	case *syntax.Subscript:
		return kind + contexts[n.Ctx], ""
	case *syntax.Starred:
		return kind + contexts[n.Ctx], ""
	case *syntax.List:
		return kind + contexts[n.Ctx], ""
	case *syntax.Tuple:
		return kind + contexts[n.Ctx], ""
	case *syntax.Constant:
		switch n.Kind {
		case syntax.Str:
			return kind, sum("str", d.file.StringValue(n))
		case syntax.Bytes:
			return kind, sum("bytes", d.file.StringValue(n))
		}
		return kind, constants[n.Kind]
	case *syntax.BinOp:
		return kind + operators[n.Op], ""
	case *syntax.AugAssign:
		return kind + operators[n.Op], ""
	case *syntax.UnaryOp:
		return kind + unaries[n.Op], ""
	case *syntax.BoolOp:
		if n.Or {
			return kind + ".Or", ""
		}
		return kind + ".And", ""
	case *syntax.Compare:
		for _, op := range n.Ops {
			kind += compares[op]
		}
		return kind, ""
	case *syntax.Comp:
		return comps[n.Kind], ""
	case *syntax.ExprStmt:
		return "Expr", ""
	}
	return d.definition(n, kind)
}

func async(is bool) string {
	if is {
		return "Async"
	}
	return ""
}

func (d *dumper) definition(n syntax.Node, kind string) (string, string) {
	join := func(texts ...string) string {
		var out []string
		for _, t := range texts {
			if t != "" {
				out = append(out, t)
			}
		}
		return strings.Join(out, ".")
	}
	switch n := n.(type) {
	case *syntax.FunctionDef:
		return async(n.Async) + kind, n.Name
	case *syntax.For:
		return async(n.Async) + kind, ""
	case *syntax.With:
		return async(n.Async) + kind, ""
	case *syntax.Try:
		if n.Star {
			kind = "TryStar"
		}
		return kind, ""
	case *syntax.ClassDef:
		return kind, n.Name
	case *syntax.Arguments:
		return "arguments", ""
	case *syntax.Arg:
		return "arg", n.Name
	case *syntax.Keyword:
		return "keyword", n.Arg
	case *syntax.Alias:
		return "alias", join(n.Name, n.AsName)
	case *syntax.ImportFrom:
		return kind, n.Module
	case *syntax.WithItem:
		return "withitem", ""
	case *syntax.Comprehension:
		return "comprehension", ""
	case *syntax.MatchCase:
		return "match_case", ""
	case *syntax.ExceptHandler:
		return kind, n.Name
	case *syntax.TypeParam:
		return typeParams[n.Kind], n.Name
	case *syntax.MatchStar:
		return kind, n.Name
	case *syntax.MatchAs:
		return kind, n.Name
	case *syntax.MatchMapping:
		return kind, n.Rest
	case *syntax.Replacement:
		if n.Template {
			return "Interpolation", ""
		}
		return "FormattedValue", ""
	case *syntax.JoinedStr:
		if n.Template {
			return "TemplateStr", ""
		}
	}
	return kind, ""
}
