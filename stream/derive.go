package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

// A derivation computes one field from earlier ones.
type derivation struct {
	slot   int
	source source
	ops    []operation
}

// A source sets v, the derivation's slot, to where it begins. It reads earlier
// slots only, so the same row always gives the same value.
type source func(row []penstock.Value, v *penstock.Value) error

// An operation turns the value in v into the next. It sees missing values only
// if it says so.
type operation struct {
	apply   func(v *penstock.Value) error
	missing bool
}

// Derive is the step that fills the derived fields, in the order of the stream
// file. It writes only to their slots and reads only slots before them, so it
// may run any number of times. A value it cannot work with rejects the event
// with code "derive"; a missing value stays missing.
func (s *Stream) Derive(_ context.Context, e *penstock.Event) error {
	if len(e.Values) != len(s.Fields) {
		panic("stream: Derive of an event with another row than stream " + s.Name + " has")
	}
	for i := range s.derivations {
		d := &s.derivations[i]
		v := &e.Values[d.slot]
		err := d.source(e.Values, v)
		for k := 0; k < len(d.ops) && err == nil; k++ {
			if op := &d.ops[k]; v.Kind > penstock.Null || op.missing {
				err = op.apply(v)
			}
		}
		if err != nil {
			*v = penstock.Value{}
			return penstock.NewReject("derive", s.pointer(d.slot), "cannot derive the field: %v", err)
		}
	}
	return nil
}

// deriveExample is shown where a derivation is written in no known form.
const deriveExample = "{from: field, do: [trim, lower]}, {concat: [field, {text: \"-\"}, other]} or {expr: 'amount * 2'}"

// compileDerive compiles the section derive and appends a field for each
// derivation, its type inferred.
func (s *Stream) compileDerive(node *yaml.Node) error {
	list, err := entries(node, "derive")
	if err != nil {
		return err
	}
	var wrong []error
	for _, e := range list {
		if err := s.compileDerivation(e); err != nil {
			wrong = append(wrong, err)
			// Later derivations may name this one; that is not their mistake.
			s.Fields = append(s.Fields, Field{Name: e.name, Type: Any})
		}
	}
	return errors.Join(wrong...)
}

func (s *Stream) compileDerivation(e entry) error {
	if e.name == "" {
		return lineError(e.key, "a derived field has no name; write one before the colon")
	}
	what := "derive " + e.name
	if e.value.Kind != yaml.MappingNode {
		return lineError(e.value, "%s is %s; write %s", what, shape(e.value), deriveExample)
	}
	parts, err := keyed(e.value, what, "from", "concat", "expr", "do")
	if err != nil {
		return err
	}
	begin, f, err := s.compileSource(e, what, parts)
	if err != nil {
		return err
	}
	d := derivation{slot: len(s.Fields), source: begin}
	if do, ok := parts["do"]; ok {
		if do.value.Kind != yaml.SequenceNode {
			return lineError(do.value, "do of %s is %s; write a list, as [trim, {scale: 2}]", what, shape(do.value))
		}
		for _, item := range do.value.Content {
			op, to, err := compileOperation(item, what, f)
			if err != nil {
				return err
			}
			d.ops, f = append(d.ops, op), to
		}
	}
	f.Name = e.name
	f.FromText, f.FromNumber = false, f.Type == Decimal // as Encode writes it
	s.Fields = append(s.Fields, f)
	s.derivations = append(s.derivations, d)
	return nil
}

// compileSource compiles the one of from, concat and expr that is given.
func (s *Stream) compileSource(e entry, what string, parts map[string]entry) (source, Field, error) {
	given := 0
	for _, name := range []string{"from", "concat", "expr"} {
		if _, ok := parts[name]; ok {
			given++
		}
	}
	if given != 1 {
		return nil, Field{}, lineError(e.key, "%s has %d of from, concat and expr; write exactly one, as %s", what, given, deriveExample)
	}
	if p, ok := parts["from"]; ok {
		slot, err := s.sourceSlot(p.value, "from of "+what)
		if err != nil {
			return nil, Field{}, err
		}
		return func(row []penstock.Value, v *penstock.Value) error {
			*v = row[slot]
			return nil
		}, s.Fields[slot], nil
	}
	if p, ok := parts["concat"]; ok {
		begin, err := s.compileConcat(p.value, "concat of "+what)
		return begin, Field{Type: Text}, err
	}
	return s.compileExpr(parts["expr"].value, what)
}

// sourceSlot finds the field a derivation reads.
func (s *Stream) sourceSlot(node *yaml.Node, what string) (int, error) {
	name, err := text(node, what, "amount")
	if err != nil {
		return 0, err
	}
	slot := s.slot(name)
	if slot < 0 {
		return 0, lineError(node, "%s names the field %q, which is neither in the schema nor derived before; %s", what, name, meant(name, s.fieldNames()))
	}
	return slot, nil
}

// A part of a concatenation is a field or a literal.
type part struct {
	slot    int // -1: a literal
	literal string
}

func (s *Stream) compileConcat(node *yaml.Node, what string) (source, error) {
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
		return nil, lineError(node, "%s is %s; write a list, as [first_name, {text: \" \"}, last_name]", what, shape(node))
	}
	var parts []part
	for _, item := range node.Content {
		p, err := s.compilePart(item, what)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return func(row []penstock.Value, v *penstock.Value) (err error) {
		*v, err = concat(parts, row)
		return err
	}, nil
}

func (s *Stream) compilePart(item *yaml.Node, what string) (part, error) {
	if item.Kind == yaml.MappingNode {
		literal, err := keyed(item, what, "text")
		if err != nil {
			return part{}, err
		}
		value, ok := literal["text"]
		if !ok || value.value.Kind != yaml.ScalarNode {
			return part{}, lineError(item, "a part of %s is a mapping without text; write {text: \"-\"} for a literal or the bare name of a field", what)
		}
		return part{-1, value.value.Value}, nil
	}
	slot, err := s.sourceSlot(item, what)
	if err == nil && s.Fields[slot].Type == JSON {
		err = lineError(item, "%s names %s, which holds objects or arrays; name fields that hold text, numbers, booleans or times", what, item.Value)
	}
	return part{slot: slot}, err
}

// concat joins the parts' text. A missing part makes the whole missing.
func concat(parts []part, row []penstock.Value) (penstock.Value, error) {
	const none = penstock.Null + 1
	size, missing := 0, none
	for _, p := range parts {
		size += len(p.literal)
		if p.slot < 0 {
			continue
		}
		v := &row[p.slot]
		if v.Missing() {
			missing = min(missing, v.Kind)
		}
		size += textBytesMax(v)
	}
	if missing < none {
		return penstock.Value{Kind: missing}, nil
	}
	if size > derivedBytesMax {
		return penstock.Value{}, fmt.Errorf("the text would be longer than %d bytes", derivedBytesMax)
	}
	joined := derivedText(size)
	for _, p := range parts {
		if p.slot < 0 {
			joined = append(joined, p.literal...)
			continue
		}
		joined = row[p.slot].AppendText(joined)
	}
	return penstock.Value{Kind: penstock.Text, Bytes: joined}, nil
}

// textBytesMax bounds what AppendText appends.
func textBytesMax(v *penstock.Value) int {
	switch v.Kind {
	case penstock.Text, penstock.Number, penstock.JSON:
		return len(v.Bytes)
	}
	return 40 // more than any Bool, Int, Decimal or Time
}

// derivedBytesMax is the longest text a derivation makes: an event's own
// default limit.
const derivedBytesMax = 1 << 20

// derivedText returns an empty slice to append at most n bytes to, for values
// that live as long as their event. Slices are cut from blocks, each of which
// is used once and then left to the garbage collector: an event's derived text
// has no owner that could say when it is free, and this costs one allocation
// in hundreds of events.
func derivedText(n int) []byte {
	if n > derivedBlockBytes/8 {
		return make([]byte, 0, n)
	}
	m := derivedBlocks.Get().(*memory)
	if cap(m.block)-len(m.block) < n {
		m.block = make([]byte, 0, derivedBlockBytes)
	}
	room := m.room(n)
	derivedBlocks.Put(m)
	return room
}

const derivedBlockBytes = 16 << 10

var derivedBlocks = sync.Pool{New: func() any { return new(memory) }}
