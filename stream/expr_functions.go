package stream

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/penstock-io/penstock"
)

var errOverflow = errors.New("the integer overflows 64 bits")

// An exprFunction is one function of expressions. Its signatures are the only
// argument types it is ever called with.
type exprFunction struct {
	call       func(args []any) (any, error)
	signatures []any
}

var (
	ofNumbers = []any{new(func(int, int) int), new(func(exact, exact) exact), new(func(exact, int) exact), new(func(int, exact) exact)}
	ordering  = []any{new(func(int, int) bool), new(func(exact, exact) bool), new(func(exact, int) bool), new(func(int, exact) bool),
		new(func(string, string) bool), new(func(time.Time, time.Time) bool)}
	equality = append([]any{new(func(bool, bool) bool)}, ordering...)
	ofText   = []any{new(func(string) string)}
	ofTime   = []any{new(func(time.Time) int)}
)

// exprOperators are the operators that a function of ours carries out.
var exprOperators = map[string]exprFunction{
	"+":  {addAny, append([]any{new(func(string, string) string)}, ofNumbers...)},
	"-":  {numeric(subtractInts, exact.subtract), ofNumbers},
	"*":  {numeric(multiplyInts, exact.multiply), ofNumbers},
	"%":  {modulo, []any{new(func(int, int) int)}},
	"==": {compared(func(c int) bool { return c == 0 }), equality},
	"!=": {compared(func(c int) bool { return c != 0 }), equality},
	"<":  {compared(func(c int) bool { return c < 0 }), ordering},
	"<=": {compared(func(c int) bool { return c <= 0 }), ordering},
	">":  {compared(func(c int) bool { return c > 0 }), ordering},
	">=": {compared(func(c int) bool { return c >= 0 }), ordering},
}

// exprFunctions are the functions that can be called by name.
var exprFunctions = map[string]exprFunction{
	"div":     {divide, []any{new(func(exact, exact, int) exact), new(func(exact, int, int) exact), new(func(int, exact, int) exact), new(func(int, int, int) exact)}},
	"round":   {round, []any{new(func(exact, int) exact)}},
	"abs":     {absolute, []any{new(func(int) int), new(func(exact) exact)}},
	"min":     {numeric(func(a, b int) (int, error) { return min(a, b), nil }, lesser), ofNumbers},
	"max":     {numeric(func(a, b int) (int, error) { return max(a, b), nil }, greater), ofNumbers},
	"int":     {toInt, []any{new(func(exact) int), new(func(string) int), new(func(int) int)}},
	"decimal": {toExact, []any{new(func(int) exact), new(func(string) exact), new(func(exact) exact)}},
	"text":    {toText, []any{new(func(int) string), new(func(exact) string), new(func(bool) string), new(func(time.Time) string), new(func(string) string)}},

	"len":     {length, []any{new(func(string) int)}},
	"upper":   {onText(strings.ToUpper), ofText},
	"lower":   {onText(strings.ToLower), ofText},
	"trim":    {onText(strings.TrimSpace), ofText},
	"replace": {replace, []any{new(func(string, string, string) string)}},
	"substr":  {substring, []any{new(func(string, int, int) string)}},

	"unix":    {onTime(func(t time.Time) int { return int(t.Unix()) }), ofTime},
	"unix_ms": {onTime(func(t time.Time) int { return int(t.UnixMilli()) }), ofTime},
	"year":    {onTime(time.Time.Year), ofTime},
	"month":   {onTime(func(t time.Time) int { return int(t.Month()) }), ofTime},
	"day":     {onTime(time.Time.Day), ofTime},
	"hour":    {onTime(time.Time.Hour), ofTime},
	"minute":  {onTime(time.Time.Minute), ofTime},
	"second":  {onTime(time.Time.Second), ofTime},
	"weekday": {onTime(func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }), ofTime}, // Monday is 1, Sunday 7
}

// exprOptions is the language of expressions: our functions instead of all of
// expr-lang's, and no optimizer, which would fold constants by other rules.
// exprShape puts a function in the place of each operator, and names functions
// with their brackets, so that no field can hide one.
func exprOptions() []expr.Option {
	options := []expr.Option{expr.DisableAllBuiltins(), expr.Optimize(false), expr.MaxNodes(exprNodesMax)}
	for operator, f := range exprOperators {
		options = append(options, f.option(operator))
	}
	for name, f := range exprFunctions {
		options = append(options, f.option(name+"()"))
	}
	return options
}

func (f exprFunction) option(name string) expr.Option {
	return expr.Function(name, func(args ...any) (any, error) {
		for _, arg := range args {
			if arg == nil {
				return nil, fmt.Errorf("%s of a missing value; write what stands for it, as (field ?? \"\")", name)
			}
		}
		return f.call(args)
	}, f.signatures...)
}

// exprFunctionNames lists the functions, for messages.
func exprFunctionNames() []string {
	names := make([]string, 0, len(exprFunctions))
	for name := range exprFunctions {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// toExactArg widens an int.
func toExactArg(arg any) exact {
	if i, ok := arg.(int); ok {
		return exactInt(i)
	}
	return arg.(exact)
}

// numeric is an operation on two ints or, if either is exact, on two exacts.
func numeric(ints func(a, b int) (int, error), exacts func(a, b exact) (exact, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		a, aInt := args[0].(int)
		b, bInt := args[1].(int)
		if aInt && bInt {
			return ints(a, b)
		}
		return exacts(toExactArg(args[0]), toExactArg(args[1]))
	}
}

// compared compares two values of one type, numbers by their value.
func compared(holds func(order int) bool) func([]any) (any, error) {
	return func(args []any) (any, error) {
		switch a := args[0].(type) {
		case string:
			return holds(strings.Compare(a, args[1].(string))), nil
		case time.Time:
			return holds(a.Compare(args[1].(time.Time))), nil
		case bool:
			if a == args[1].(bool) {
				return holds(0), nil
			}
			return holds(1), nil
		}
		return holds(toExactArg(args[0]).compare(toExactArg(args[1]))), nil
	}
}

func addAny(args []any) (any, error) {
	a, ok := args[0].(string)
	if !ok {
		return numeric(addInts, exact.add)(args)
	}
	b := args[1].(string)
	if len(a)+len(b) > derivedBytesMax {
		return nil, fmt.Errorf("the text would be longer than %d bytes", derivedBytesMax)
	}
	return a + b, nil
}

func addInts(a, b int) (int, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, errOverflow
	}
	return sum, nil
}

func subtractInts(a, b int) (int, error) {
	difference := a - b
	if (difference < a) != (b > 0) && b != 0 {
		return 0, errOverflow
	}
	return difference, nil
}

func multiplyInts(a, b int) (int, error) {
	hi, lo := bits.Mul64(magnitude(int64(a)), magnitude(int64(b)))
	product, ok := signed(lo, (a < 0) != (b < 0))
	if hi != 0 || !ok || int64(int(product)) != product {
		return 0, errOverflow
	}
	return int(product), nil
}

func modulo(args []any) (any, error) {
	a, b := args[0].(int), args[1].(int)
	if b == 0 {
		return nil, errDivide
	}
	return a % b, nil
}

func divide(args []any) (any, error) {
	return toExactArg(args[0]).divide(toExactArg(args[1]), args[2].(int))
}

func round(args []any) (any, error) { return args[0].(exact).round(args[1].(int)) }

func lesser(a, b exact) (exact, error) {
	if a.compare(b) <= 0 {
		return a, nil
	}
	return b, nil
}

func greater(a, b exact) (exact, error) {
	if a.compare(b) >= 0 {
		return a, nil
	}
	return b, nil
}

func absolute(args []any) (any, error) {
	if x, ok := args[0].(exact); ok {
		if x.n.Sign() < 0 {
			return exactInt(0).subtract(x)
		}
		return x, nil
	}
	i := args[0].(int)
	if i == math.MinInt {
		return nil, errOverflow
	}
	return max(i, -i), nil
}

func toInt(args []any) (any, error) {
	switch x := args[0].(type) {
	case exact:
		return x.whole()
	case string:
		n, ok := numeralOf(penstock.Value{Kind: penstock.Text, Bytes: []byte(x)})
		i, fits := n.scaled(0)
		if !ok || !fits || int64(int(i)) != i {
			return nil, fmt.Errorf("the text %q is no integer", cut(x))
		}
		return int(i), nil
	}
	return args[0], nil
}

func toExact(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return toExactArg(args[0]), nil
	}
	n, ok := numeralOf(penstock.Value{Kind: penstock.Text, Bytes: []byte(s)})
	if !ok {
		return nil, fmt.Errorf("the text %q is no decimal number", cut(s))
	}
	return exactOf(n)
}

func toText(args []any) (any, error) {
	if t, ok := args[0].(time.Time); ok {
		return t.UTC().Format(time.RFC3339Nano), nil
	}
	return fmt.Sprint(args[0]), nil
}

func length(args []any) (any, error) { return utf8.RuneCountInString(args[0].(string)), nil }

func onText(f func(string) string) func([]any) (any, error) {
	return func(args []any) (any, error) { return f(args[0].(string)), nil }
}

func onTime(f func(time.Time) int) func([]any) (any, error) {
	return func(args []any) (any, error) { return f(args[0].(time.Time).UTC()), nil }
}

func replace(args []any) (any, error) {
	s, from, to := args[0].(string), args[1].(string), args[2].(string)
	if from == "" {
		return nil, errors.New("replace of the empty text")
	}
	if grown := len(s) + strings.Count(s, from)*(len(to)-len(from)); grown > derivedBytesMax {
		return nil, fmt.Errorf("the text would be longer than %d bytes", derivedBytesMax)
	}
	return strings.ReplaceAll(s, from, to), nil
}

// substring returns count characters from the one at from, counted from 0, or
// as many as there are.
func substring(args []any) (any, error) {
	s, from, count := args[0].(string), args[1].(int), args[2].(int)
	if from < 0 || count < 0 {
		return nil, fmt.Errorf("substr from %d, %d characters; both must be 0 or above", from, count)
	}
	begin, end, n := len(s), len(s), 0
	for i := range s {
		if n == from {
			begin = i
		}
		if n-from == count {
			end = i
			break
		}
		n++
	}
	return s[min(begin, end):end], nil
}
