package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// requestParts are the attributes of a web framework's request that hold what
// the client sent.
var requestParts = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`args form json values data cookies headers files GET POST query_params path_params body query_string
		match_info rel_url META COOKIES FILES params query view_args get_json get_data stream matchdict content get_argument get_query_argument
		get_body_argument query_arguments raw_post_data url path full_path`) {
		m[name] = true
	}
	return m
}()

// source is what a full name of a library brings in from outside; nil for none.
func (b *builder) source(e syntax.Expr, full string) ir.Expr {
	at, text := b.where(e), b.m.text(e)
	switch {
	case full == "sys.argv":
		return &ir.Source{Where: at, From: ir.Arguments, What: text}
	case full == "os.environ":
		return &ir.Source{Where: at, From: ir.Environment, What: text}
	case full == "sys.stdin":
		return &ir.Source{Where: at, From: ir.Arguments, What: text}
	}
	for _, prefix := range []string{"flask.request.", "bottle.request.", "quart.request.", "sanic.request."} {
		if rest, ok := strings.CutPrefix(full, prefix); ok {
			if first, _, _ := strings.Cut(rest, "."); requestParts[first] {
				return &ir.Source{Where: at, From: ir.HTTP, What: text}
			}
		}
	}
	return nil
}

// sourceCall is a call that reads from outside.
func (b *builder) sourceCall(e *syntax.Call, full string) ir.Expr {
	at, text := b.where(e), b.m.text(e)
	switch full {
	case "builtins.open", "io.open", "codecs.open", "gzip.open":
		if args := b.values(e.Args); len(args) > 0 {
			return &ir.Source{Where: at, From: ir.Stored, What: text, Of: args[0]}
		}
	case "builtins.input":
		b.values(e.Args)
		return &ir.Source{Where: at, From: ir.Arguments, What: text}
	case "os.getenv", "os.environ.get":
		return b.orDefault(e, &ir.Source{Where: at, From: ir.Environment, What: text})
	}
	if src, ok := b.source(e.Func, full).(*ir.Source); ok {
		src.Where, src.What = at, text
		return b.orDefault(e, src)
	}
	return nil
}

// requestPart is request.args and its like, where request is a parameter or a
// field of the receiver.
func (b *builder) requestPart(e *syntax.Attribute) ir.Expr {
	if !requestParts[e.Attr] {
		return nil
	}
	switch base := e.Value.(type) {
	case *syntax.Name:
		if base.ID != "request" && base.ID != "req" {
			return nil
		}
	case *syntax.Attribute:
		if base.Attr != "request" {
			return nil
		}
	default:
		return nil
	}
	return &ir.Source{Where: b.where(e), From: ir.HTTP, What: b.m.text(e)}
}

// extended is a part of a value from outside: request.args["id"] of
// request.args. It is nil when x is no such value.
func extended(x ir.Expr, at ir.Span, text string) ir.Expr {
	src, ok := x.(*ir.Source)
	if !ok {
		return nil
	}
	return &ir.Source{Where: ir.Where{Span: at}, From: src.From, What: text, Of: src.Of}
}

// firstSource is the result of a library's function on a value from outside,
// when that is its receiver: request.args.get("id").
func firstSource(parts []ir.Expr, at ir.Span, text string) ir.Expr {
	if len(parts) == 0 {
		return nil
	}
	return extended(parts[0], at, text)
}
