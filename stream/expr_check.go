package stream

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// exprShape rewrites an expression before its types are checked: number
// literals become exact, operators the functions that carry them out, and
// negation a subtraction. It refuses what is not part of the language, so that
// the message says so instead of naming a type.
type exprShape struct {
	env map[string]any
	err error
}

// literalDigitsMax: a literal passes through expr-lang as a float64, which
// gives back the same decimal up to 15 digits.
const literalDigitsMax = 15

// checkNumbers refuses literals that would not come back exactly.
func (x *exprShape) checkNumbers(code string) error {
	tokens, err := lexer.Lex(file.NewSource(code))
	if err != nil {
		return nil // the parser says it better
	}
	for _, token := range tokens {
		written := strings.ReplaceAll(strings.ToLower(token.Value), "_", "")
		if token.Kind != lexer.Number || !strings.ContainsAny(written, ".e") || strings.HasPrefix(written, "0x") {
			continue
		}
		mantissa, _, _ := strings.Cut(written, "e")
		digits := strings.TrimLeft(strings.ReplaceAll(mantissa, ".", ""), "0")
		if len(digits) > literalDigitsMax || strings.Contains(written, "e") {
			return fmt.Errorf("the number %s cannot be held exactly; write at most %d digits without exponent, or decimal(\"%s\")", token.Value, literalDigitsMax, token.Value)
		}
	}
	return nil
}

// Reset and ShouldRepeat make expr-lang run the visitor in its last round,
// right before the check that counts: a check in between would give calls a
// type, and expr-lang looks no further into a call that has one.
func (x *exprShape) Reset() {}

// ShouldRepeat says that one walk is enough.
func (x *exprShape) ShouldRepeat() bool { return false }

// Visit is called for each node, children first.
func (x *exprShape) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.FloatNode:
		written := strconv.FormatFloat(n.Value, 'f', -1, 64)
		m, ok := parseNumeral([]byte(written))
		value, err := exactOf(m)
		if !ok || err != nil {
			x.refuse("the number %s is out of range", written)
			return
		}
		ast.Patch(node, &ast.ConstantNode{Value: value})
	case *ast.UnaryNode:
		switch n.Operator {
		case "-":
			x.call(node, "-", &ast.IntegerNode{}, n.Node)
		case "+":
			*node = n.Node
		}
	case *ast.BinaryNode:
		x.binary(node, n)
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if _, known := exprFunctions[nameOf(callee)]; !ok || !known {
			x.refuse("`%s` is no function of stream expressions; there are %s", cut(n.Callee.String()), strings.Join(exprFunctionNames(), ", "))
			return
		}
		x.call(node, callee.Value+"()", n.Arguments...)
	case *ast.IdentifierNode:
		if _, is := x.env[n.Value].(opaque); is {
			x.refuse("%s has no single type an expression could work with; derive a field of one type first, as {from: %s, do: [{cast: text}]}", n.Value, n.Value)
		}
	case *ast.BuiltinNode:
		x.refuse("the function %s is not part of stream expressions; there are %s", n.Name, strings.Join(exprFunctionNames(), ", "))
	case *ast.NilNode, *ast.IntegerNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode,
		*ast.ConditionalNode, *ast.VariableDeclaratorNode, *ast.SequenceNode, *ast.ArrayNode:
	default:
		x.refuse("`%s` is not part of stream expressions; write operators, ?:, ??, let and the functions %s", cut((*node).String()), strings.Join(exprFunctionNames(), ", "))
	}
}

// call puts a call in the node's place: a new node, which has no type yet.
func (x *exprShape) call(node *ast.Node, name string, args ...ast.Node) {
	ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args})
}

func (x *exprShape) binary(node *ast.Node, n *ast.BinaryNode) {
	_, leftNil := n.Left.(*ast.NilNode)
	_, rightNil := n.Right.(*ast.NilNode)
	if _, ours := exprOperators[n.Operator]; ours && !leftNil && !rightNil {
		x.call(node, n.Operator, n.Left, n.Right)
		return
	}
	switch n.Operator {
	case "/":
		x.refuse("/ has no exact result; write div(a, b, 2) for 2 digits behind the point, halves rounded away from zero")
	case "**", "^":
		x.refuse("%s is not part of stream expressions; multiply", n.Operator)
	case "..":
		x.refuse("ranges are not part of stream expressions; write a >= 1 and a <= 9")
	case "matches":
		if _, literal := n.Right.(*ast.StringNode); !literal {
			x.refuse("matches needs its pattern written as text in quotes, so that it is compiled once")
		}
	}
}

func (x *exprShape) refuse(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}

// exprCheck walks the compiled tree: every operator that is left is one that
// expr-lang carries out exactly, and everything has one type. It notes the fields
// the expression names, and which of them it handles when missing.
type exprCheck struct {
	env            map[string]any
	named, handled map[string]bool
	err            error
}

func (x *exprCheck) check(root ast.Node) error {
	ast.Walk(&root, x)
	return x.err
}

// Visit is called for each node, children first.
func (x *exprCheck) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, field := x.env[n.Value]; field {
			x.named[n.Value] = true
		}
	case *ast.ConditionalNode:
		x.oneType(n, n.Exp1, n.Exp2)
	case *ast.BinaryNode:
		x.binary(n)
	}
	if t := (*node).Type(); t == nil || t == reflect.TypeFor[any]() {
		if _, isNil := (*node).(*ast.NilNode); !isNil {
			x.refuse("`%s` has no certain type", cut((*node).String()))
		}
	}
}

func nameOf(n *ast.IdentifierNode) string {
	if n == nil {
		return ""
	}
	return n.Value
}

func (x *exprCheck) refuse(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}

func (x *exprCheck) binary(n *ast.BinaryNode) {
	left := n.Left.Type()
	switch n.Operator {
	case "??":
		x.handle(n.Left)
		x.oneType(n, n.Left, n.Right)
	case "==", "!=": // with nil, or it would be a call
		x.handle(n.Left)
		x.handle(n.Right)
	case "in":
		list, ok := n.Right.(*ast.ArrayNode)
		if !ok || left != reflect.TypeFor[string]() && left != reflect.TypeFor[int]() {
			x.refuse("in looks for text or an integer in a list, as status in [\"new\", \"paid\"]")
			return
		}
		for _, item := range list.Nodes {
			if item.Type() != left {
				x.refuse("in looks for %s, and the list holds %s", exprTypeName(left), exprTypeName(item.Type()))
			}
		}
	case "and", "&&", "or", "||", "contains", "startsWith", "endsWith", "matches":
	default:
		x.refuse("%s does not work on %s and %s", n.Operator, exprTypeName(left), exprTypeName(n.Right.Type()))
	}
}

// oneType refuses branches of different types: expr-lang would find out the
// type anew for each event.
func (x *exprCheck) oneType(n, a, b ast.Node) {
	if t := n.Type(); t == nil || t == reflect.TypeFor[any]() {
		x.refuse("`%s` is %s or %s; make both branches one type, as in `amount ?? 0.0` for a decimal",
			cut(n.String()), exprTypeName(a.Type()), exprTypeName(b.Type()))
	}
}

// handle notes a field whose missing value the expression deals with.
func (x *exprCheck) handle(n ast.Node) {
	if id, ok := n.(*ast.IdentifierNode); ok {
		x.handled[id.Value] = true
	}
}

func exprTypeName(t reflect.Type) string {
	for fieldType, sample := range exprSamples {
		if reflect.TypeOf(sample) == t {
			if fieldType == Decimal {
				fieldType = Number
			}
			return heldBy[fieldType]
		}
	}
	return "values of an unknown type"
}
