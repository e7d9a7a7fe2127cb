package goread

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// requests are the types that hold what a client sent.
var requests = map[string]bool{
	"net/http.Request": true, "net/url.Values": true, "net/http.Header": true, "net/http.Cookie": true, "mime/multipart.Form": true,
	"github.com/gin-gonic/gin.Context": true, "github.com/labstack/echo.Context": true, "github.com/gofiber/fiber.Ctx": true,
}

// notSent are methods of these types that bring nothing of the client.
var notSent = map[string]bool{"Context": true, "Request": true, "Response": true, "Writer": true, "Method": true, "ContentLength": true, "Proto": true}

// source is a part of a request; nil for anything else.
func (b *sqlFunc) source(x *ast.SelectorExpr, at ir.Where) ir.Expr {
	t := unversioned(className(b.info.TypeOf(x.X)))
	if !requests[t] || notSent[x.Sel.Name] {
		return nil
	}
	return &ir.Source{Where: at, From: ir.HTTP, What: at.Span.Text()}
}

// outside are functions that read from outside the program.
var outside = map[string]ir.Origin{
	"os.Getenv": ir.Environment, "os.LookupEnv": ir.Environment, "flag.Arg": ir.Arguments, "flag.Args": ir.Arguments,
	"(*flag.FlagSet).Arg": ir.Arguments, "(*flag.FlagSet).Args": ir.Arguments,
	"(*bufio.Scanner).Text": ir.Input, "(*bufio.Scanner).Bytes": ir.Input, "(*bufio.Reader).ReadString": ir.Input, "(*bufio.Reader).ReadLine": ir.Input,
	"io.ReadAll": ir.Input, "io/ioutil.ReadAll": ir.Input, "(*encoding/csv.Reader).Read": ir.Input, "(*encoding/csv.Reader).ReadAll": ir.Input,
	"os.ReadFile": ir.Stored, "io/ioutil.ReadFile": ir.Stored, "os.Open": ir.Stored, "os.OpenFile": ir.Stored,
	"github.com/gorilla/mux.Vars": ir.HTTP, "github.com/go-chi/chi.URLParam": ir.HTTP,
}

// wrapping are functions whose answer reads what their argument reads.
var wrapping = map[string]bool{"bufio.NewReader": true, "bufio.NewScanner": true, "encoding/csv.NewReader": true, "io.LimitReader": true}

// converted are functions that return what cannot carry SQL, or has it quoted.
var converted = map[string]string{
	"(github.com/jackc/pgx.Identifier).Sanitize": "quoted as a name", "github.com/lib/pq.QuoteIdentifier": "quoted as a name",
	"github.com/lib/pq.QuoteLiteral": "quoted", "strings.Repeat": "",
	"(*sync.Map).Load": "looked up", "(*sync.Map).LoadOrStore": "looked up",
	"encoding/hex.EncodeToString": "hexadecimal", "strconv.Itoa": "a number", "strconv.FormatInt": "a number", "strconv.FormatUint": "a number",
	"strconv.FormatBool": "a boolean", "strconv.FormatFloat": "a number", "(time.Time).Format": "",
}

// shaped are functions whose answer carries what their arguments carry.
var shaped = map[string]bool{
	"strings.TrimSpace": true, "strings.Trim": true, "strings.TrimLeft": true, "strings.TrimRight": true, "strings.TrimPrefix": true,
	"strings.TrimSuffix": true, "strings.ToLower": true, "strings.ToUpper": true, "strings.Title": true, "strings.Replace": true,
	"strings.ReplaceAll": true, "strings.Repeat": true, "strings.Split": true, "strings.SplitN": true, "strings.Fields": true, "strings.Clone": true,
	"strings.Map": true, "strings.Cut": true, "strconv.Quote": true, "fmt.Sprint": true, "fmt.Sprintln": true, "fmt.Append": true, "slices.Clone": true,
	"slices.Concat": true, "slices.Sorted": true, "maps.Keys": true, "maps.Values": true, "bytes.TrimSpace": true, "net/url.QueryUnescape": true,
	"strings.NewReplacer": true, "(*strings.Replacer).Replace": true, "(time.Time).Format": true, "path.Base": true, "path/filepath.Base": true, "cmp.Or": true, "strings.NewReader": true,
}

// known lowers the calls of the standard library that make text or bring it in;
// nil for others.
func (b *sqlFunc) known(c *ast.CallExpr, fn *types.Func, at ir.Where) ir.Expr {
	name := unversioned(fn.FullName())
	if why := converted[name]; why != "" {
		return &ir.Safe{Where: at, X: b.first(c.Args), Why: why}
	}
	sel, method := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	method = method && b.info.Selections[sel] != nil
	if from, ok := outside[name]; ok {
		of := b.first(c.Args)
		if method {
			of = b.value(sel.X)
		}
		return &ir.Source{Where: at, From: from, What: at.Span.Text(), Of: of}
	}
	if wrapping[name] {
		return b.first(c.Args)
	}
	if method {
		if s := b.source(sel, at); s != nil {
			b.values(c.Args)
			return s
		}
		if v := b.built(c, sel, fn, at); v != nil {
			return v
		}
		if v := b.executed(c, sel, name, at); v != nil {
			return v
		}
		if fn.Name() == "String" && len(c.Args) == 0 && harmless(b.info.TypeOf(sel.X)) != "" {
			return &ir.Safe{Where: at, Why: "made of a number"}
		}
	}
	switch name {
	case "fmt.Sprintf", "fmt.Appendf":
		args := c.Args[strings.Count(name, "App"):]
		for _, arg := range args[1:] {
			if odd(b.info.TypeOf(arg)) {
				b.odd[b.node(arg)] = asText(b.info.TypeOf(arg))
			}
		}
		return &ir.Format{Where: at, Verbs: ir.GoVerbs, Template: b.value(args[0]), Args: b.values(args[1:])}
	case "strings.Join":
		return &ir.Joined{Where: at, Sep: b.value(c.Args[1]), List: b.value(c.Args[0])}
	case "fmt.Sprint":
		if len(c.Args) > 1 {
			return &ir.Concat{Where: at, Parts: b.values(c.Args)}
		}
	case "fmt.Fprintf", "fmt.Fprint", "fmt.Fprintln", "io.WriteString":
		return b.printed(c, name, at)
	}
	if shaped[name] {
		parts := b.values(c.Args)
		if method {
			parts = append(parts, b.value(sel.X))
		}
		return &ir.Unknown{Where: at, Parts: parts, By: name}
	}
	return nil
}

// odd reports whether a driver would take a value otherwise than it is printed, or
// not at all: only strings, numbers and truths that print themselves are the same.
// What says its driver's value is meant for it, and so are times.
func odd(t types.Type) bool {
	for _, prints := range []string{"String", "Error", "Format"} {
		if m, _, _ := types.LookupFieldOrMethod(t, true, nil, prints); m != nil && className(t) != "time.Time" {
			return true
		}
	}
	if _, basic := t.Underlying().(*types.Basic); basic {
		return false
	}
	valuer, _, _ := types.LookupFieldOrMethod(t, true, nil, "Value")
	return valuer == nil && className(t) != "time.Time"
}

// asText is what makes the same text of an odd value as %s, "" when only that does.
func asText(t types.Type) string {
	if m, _, _ := types.LookupFieldOrMethod(t, true, nil, "Format"); m != nil {
		return ""
	}
	for _, prints := range []string{"String", "Error"} {
		if m, _, _ := types.LookupFieldOrMethod(t, true, nil, prints); m != nil {
			return "fmt.Sprint"
		}
	}
	if s, ok := t.Underlying().(*types.Slice); ok && types.Identical(s.Elem(), types.Typ[types.Byte]) {
		return "string"
	}
	return ""
}

func (b *sqlFunc) first(args []ast.Expr) ir.Expr {
	if len(args) == 0 {
		return nil
	}
	return b.values(args)[0]
}

// built follows a strings.Builder or bytes.Buffer: its variable holds the text
// so far.
func (b *sqlFunc) built(c *ast.CallExpr, sel *ast.SelectorExpr, fn *types.Func, at ir.Where) ir.Expr {
	t := className(b.info.TypeOf(sel.X))
	if t != "strings.Builder" && t != "bytes.Buffer" {
		return nil
	}
	v := b.value(sel.X)
	switch fn.Name() {
	case "String", "Bytes":
		return v
	case "WriteString", "Write", "WriteByte", "WriteRune":
		more := b.value(c.Args[0])
		if n, ok := more.(*ir.Const); ok && !n.Str {
			more = b.char(n)
		}
		b.grow(v, more, at)
	case "Reset":
		b.emit(&ir.Assign{Span: at.Span, To: v, Value: &ir.Const{Where: at, Str: true}})
	case "Len", "Cap", "Grow", "Truncate":
	default:
		return nil
	}
	return &ir.Safe{Where: at}
}

// char is a constant byte or rune as text.
func (b *sqlFunc) char(n *ir.Const) ir.Expr {
	r := 0
	for _, d := range n.Text {
		r = r*10 + int(d-'0')
	}
	return &ir.Const{Where: n.Where, Text: string(rune(r)), Str: true}
}

func (b *sqlFunc) grow(v, more ir.Expr, at ir.Where) {
	switch v.(type) {
	case *ir.Var, *ir.Global, *ir.Field:
		b.emit(&ir.Assign{Span: at.Span, To: v, Value: &ir.Concat{Where: at, Parts: []ir.Expr{v, more}}})
	}
}

// printed is fmt.Fprintf and its like into a builder.
func (b *sqlFunc) printed(c *ast.CallExpr, name string, at ir.Where) ir.Expr {
	t := className(b.info.TypeOf(c.Args[0]))
	if t != "strings.Builder" && t != "bytes.Buffer" {
		return nil
	}
	v, args := b.value(c.Args[0]), b.values(c.Args[1:])
	switch {
	case name == "fmt.Fprintf":
		b.grow(v, &ir.Format{Where: at, Verbs: ir.GoVerbs, Template: args[0], Args: args[1:]}, at)
	default:
		b.grow(v, &ir.Concat{Where: at, Parts: args}, at)
	}
	return &ir.Safe{Where: at}
}

// filled marks variables that a call has filled through a pointer: with what
// a request or a message said, or with what is not known.
func (b *sqlFunc) filled(c *ast.CallExpr, fn *types.Func) {
	if fn == nil {
		return
	}
	for _, arg := range c.Args {
		u, ok := arg.(*ast.UnaryExpr)
		if !ok || u.Op.String() != "&" {
			continue
		}
		v, ok := b.value(u.X).(*ir.Var)
		if !ok || v.In != nil {
			continue
		}
		at := ir.Where{Span: b.node(c)}
		var value ir.Expr = &ir.Unknown{Where: at, What: "what " + fn.Name() + " fills in"}
		switch name := fn.Name(); {
		case strings.HasPrefix(name, "Unmarshal"), name == "Decode", strings.HasPrefix(name, "ShouldBind"), strings.HasPrefix(name, "Bind"):
			value = &ir.Source{Where: at, From: ir.Input, What: "what " + name + " fills in"}
		case name == "Scan" && fn.Pkg() != nil && sinks[unversioned(fn.Pkg().Path())].text != nil:
			value = &ir.Source{Where: at, From: ir.Database, What: "what Scan fills in"}
		}
		b.emit(&ir.Assign{Span: at.Span, To: v, Value: value})
	}
}
