package stream

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

// An expression is one expr-lang program over the row, compiled at load. It
// sees integers as int, text as string, times as time.Time, and decimals and
// other numbers as exact; what expr-lang would compute in float64 is not to be
// had.
type expression struct {
	program *vm.Program
	inputs  []exprInput
	runs    sync.Pool // of *exprRun
}

// An exprInput is a field that the expression names.
type exprInput struct {
	slot    int
	field   Field
	handled bool // the expression itself says what a missing value means
}

// An exprRun is what one evaluation needs beside the program.
type exprRun struct {
	machine vm.VM
	env     map[string]any
}

// The limits of an expression's size, and with it of its cost: no loops can be
// written.
const (
	exprNodesMax = 500
	exprBytesMax = 4096
)

// opaque is the type of fields that expressions cannot work with.
type opaque struct{}

// exprSamples are values of the types expressions see.
var exprSamples = map[Type]any{
	Any: opaque{}, JSON: opaque{}, Bool: false, Int: 0, Decimal: exact{}, Number: exact{}, Time: time.Time{}, Text: "",
}

// compileExpr compiles an expression over the fields so far.
func (s *Stream) compileExpr(node *yaml.Node, what string) (source, Field, error) {
	code, err := text(node, "expr of "+what, "'quantity * unit_price'")
	if err != nil {
		return nil, Field{}, err
	}
	if len(code) > exprBytesMax {
		return nil, Field{}, lineError(node, "expr of %s has %d characters; write at most %d, in several derived fields if need be", what, len(code), exprBytesMax)
	}
	env := map[string]any{}
	for _, f := range s.Fields {
		env[f.Name] = exprSamples[f.Type]
	}
	program, err := compileProgram(code, env)
	if err != nil {
		return nil, Field{}, lineError(node, "expr of %s: %s", what, exprMessage(err))
	}
	checked := exprCheck{env: env, handled: map[string]bool{}, named: map[string]bool{}}
	if err := checked.check(program.Node()); err != nil {
		return nil, Field{}, lineError(node, "expr of %s: %v", what, err)
	}
	f, ok := exprResult(program.Node().Type())
	if !ok {
		return nil, Field{}, lineError(node, "expr of %s: its result is %s; make it text, a number, a boolean or a time", what, exprTypeName(program.Node().Type()))
	}
	x := &expression{program: program}
	for name := range checked.named {
		slot := s.slot(name)
		x.inputs = append(x.inputs, exprInput{slot, s.Fields[slot], checked.handled[name]})
	}
	x.runs.New = func() any { return &exprRun{env: make(map[string]any, len(x.inputs))} }
	return func(row []penstock.Value, v *penstock.Value) (err error) {
		*v, err = x.eval(row)
		return err
	}, f, nil
}

func compileProgram(code string, env map[string]any) (*vm.Program, error) {
	shaped := &exprShape{env: env}
	if err := shaped.checkNumbers(code); err != nil {
		return nil, err
	}
	program, err := expr.Compile(code, append(exprOptions(), expr.Env(env), expr.Patch(shaped))...)
	if shaped.err != nil {
		err = shaped.err // says more than the type error that follows from it
	}
	return program, err
}

// exprResult is the field type of an expression's result.
func exprResult(t reflect.Type) (Field, bool) {
	for fieldType, sample := range exprSamples {
		if reflect.TypeOf(sample) == t && fieldType != Decimal && fieldType != Any && fieldType != JSON {
			return Field{Type: fieldType}, true
		}
	}
	return Field{}, false
}

// exprMessage is the first line of an expr-lang error, without the excerpt.
func exprMessage(err error) string {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Sprintf("%s (at character %d)", strings.ReplaceAll(at.Message, "stream.exact", "number"), at.Column+1)
	}
	return err.Error()
}

// eval computes the expression for one row. If a field it needs is missing, so
// is the result, unless the expression itself says what that means (field ??
// other, field == nil).
func (x *expression) eval(row []penstock.Value) (penstock.Value, error) {
	run := x.runs.Get().(*exprRun)
	defer x.runs.Put(run)
	defer clear(run.env) // the row's memory is not the pool's to keep
	const none = penstock.Null + 1
	missing := none
	for i := range x.inputs {
		in := &x.inputs[i]
		v := &row[in.slot]
		if v.Missing() {
			if !in.handled {
				missing = min(missing, v.Kind)
			}
			run.env[in.field.Name] = nil
			continue
		}
		seen, err := in.see(v)
		if err != nil {
			return penstock.Value{}, err
		}
		run.env[in.field.Name] = seen
	}
	if missing < none {
		return penstock.Value{Kind: missing}, nil
	}
	result, err := run.machine.Run(x.program, run.env)
	if err != nil {
		var conversion *runtime.TypeAssertionError
		if errors.As(err, &conversion) { // types are certain, so it can only be nil
			return penstock.Value{}, errors.New("a missing value stands where one is needed; write what stands for it, as (field ?? false)")
		}
		return penstock.Value{}, errors.New(exprMessage(err))
	}
	return exprValue(result)
}

// see turns a value into what the program was compiled for.
func (in *exprInput) see(v *penstock.Value) (any, error) {
	switch {
	case in.field.Type == Text && v.Kind == penstock.Text:
		return viewText(v.Bytes), nil
	case in.field.Type == Bool && v.Kind == penstock.Bool:
		return v.Num == 1, nil
	case in.field.Type == Time && v.Kind == penstock.Time:
		return v.AsTime(), nil
	case in.field.Type == Int && v.Kind == penstock.Int && int64(int(v.Num)) == v.Num:
		return int(v.Num), nil
	case in.field.Type == Decimal || in.field.Type == Number:
		if n, ok := numeralOf(*v); ok && v.Kind != penstock.Text {
			return exactOf(n)
		}
	}
	return nil, fmt.Errorf("%s is the %v %s, and the expression works on %s", in.field.Name, v.Kind, cut(v.String()), in.field.describe())
}

// exprValue turns an expression's result into a value that owns its memory.
func exprValue(result any) (penstock.Value, error) {
	switch r := result.(type) {
	case nil:
		return penstock.Value{Kind: penstock.Null}, nil
	case bool:
		return penstock.BoolValue(r), nil
	case int:
		return penstock.IntValue(int64(r)), nil
	case time.Time:
		return penstock.TimeValue(r), nil
	case exact:
		return penstock.Value{Kind: penstock.Number, Bytes: r.appendTo(derivedText(exactBytesMax))}, nil
	case string:
		if !validText([]byte(r)) {
			return penstock.Value{}, errors.New("the text is not valid UTF-8")
		}
		return penstock.Value{Kind: penstock.Text, Bytes: append(derivedText(len(r)), r...)}, nil
	}
	return penstock.Value{}, fmt.Errorf("the result is a %T", result)
}
