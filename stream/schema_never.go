package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// checkSchemas refuses schemas by which no event could be judged, or none could
// ever pass. Each mistake has the line of the schema it is in.
func checkSchemas(root *jsonschema.Schema, included *sources) error {
	c := newCircleFinder(root)
	if c.found != nil {
		file, node := included.place(c.found.Location)
		_, pointer, _ := strings.Cut(c.found.Location, "#")
		return inFile(file, lineError(node, "the schema at #%s leads back to itself without going into a field; break the circle of its $ref", pointer))
	}
	var wrong []error
	branches := branchesOf(c.state)
	for s := range c.state {
		file, node := included.place(s.Location)
		if file == "" {
			continue // the validator's own
		}
		for _, mistake := range contradictions(s, node, branches[s]) {
			wrong = append(wrong, inFile(file, mistake))
		}
	}
	return errors.Join(wrong...)
}

// branchesOf are the schemas that say a part of what others say of the same
// value: the names that one does not list another may.
func branchesOf(all map[*jsonschema.Schema]progress) map[*jsonschema.Schema]bool {
	branches := map[*jsonschema.Schema]bool{}
	var mark func(*jsonschema.Schema)
	mark = func(s *jsonschema.Schema) {
		if branches[s] {
			return
		}
		branches[s] = true
		for _, part := range samePlace(s) {
			mark(part)
		}
	}
	for s := range all {
		parts := samePlace(s)
		alone := len(parts) == 1 && s.Ref != nil && s.Properties == nil // and so says nothing itself
		if len(parts) > 0 && !alone || s.DynamicRef != nil {
			mark(s)
		}
	}
	return branches
}

// A neverFinder looks for what no value could pass: keywords of one schema
// that contradict one another. A stream with such a schema would start, and
// refuse its events one by one.
type neverFinder struct {
	schema *jsonschema.Schema
	node   *yaml.Node
	branch bool // another schema may list more of the value's members
	wrong  []error
}

// contradictions are those of one schema, which is written at node.
func contradictions(schema *jsonschema.Schema, node *yaml.Node, branch bool) []error {
	f := &neverFinder{schema: schema, node: node, branch: branch}
	f.types()
	f.numbers()
	f.sizes()
	f.listed()
	f.members()
	return f.wrong
}

// fault stands at the keyword's line.
func (f *neverFinder) fault(keyword, format string, args ...any) {
	f.wrong = append(f.wrong, lineError(at(f.node, []string{keyword}), format, args...))
}

// leave says that the keywords, as far as they are given, leave nothing.
func (f *neverFinder) leave(nothing string, keywords ...string) {
	var given []string
	for _, name := range keywords {
		value := child(f.node, name)
		switch {
		case value == nil:
		case value.Kind == yaml.ScalarNode:
			given = append(given, name+" "+value.Value)
		default:
			given = append(given, name)
		}
	}
	first := max(0, slices.IndexFunc(keywords, func(name string) bool { return child(f.node, name) != nil }))
	f.fault(keywords[first], "no %s could ever pass all of %s; mend one of them", nothing, strings.Join(given, ", "))
}

// types compares the keyword type with that of the schemas which judge the
// same value.
func (f *neverFinder) types() {
	all := typesIn(f.schema)
	for _, other := range append([]*jsonschema.Schema{f.schema.Ref}, f.schema.AllOf...) {
		switch {
		case other == nil:
		case other.Bool != nil && !*other.Bool:
			f.fault("allOf", "the schema false refuses every value; leave it out")
		case all != 0 && all&typesIn(other) == 0:
			f.fault("type", "no value could ever be %s and %s, as $ref or allOf has it; mend one of them", all, typesIn(other))
			return
		default:
			all &= typesIn(other)
		}
	}
	if node := child(f.node, "not"); node != nil && (node.Value == "true" || node.Kind == yaml.MappingNode && len(node.Content) == 0) {
		f.fault("not", "not refuses every value, for everything passes what it holds; write a schema that some values do not pass")
	}
}

func typesIn(schema *jsonschema.Schema) jsonTypes {
	if schema.Types == nil {
		return allTypes
	}
	return typesNamed(schema.Types.ToStrings())
}

// numbers looks for a number that all bounds let pass. Those of an integer, a
// decimal and a multiple stand apart by a step.
func (f *neverFinder) numbers() {
	s := f.schema
	low, top := newLimit(s.Minimum, s.ExclusiveMinimum, +1), newLimit(s.Maximum, s.ExclusiveMaximum, -1)
	var step *big.Rat
	if t := typesIn(s); t&typeInteger != 0 && t&typeNumber == 0 {
		step = big.NewRat(1, 1)
	}
	if s.Format != nil {
		if p, scale, decimal, _ := parseDecimalFormat(s.Format.Name); decimal {
			step = new(big.Rat).SetFrac64(1, int64(pow10[scale]))
			most := new(big.Rat).SetFrac64(int64(pow10[p])-1, int64(pow10[scale]))
			low, top = low.tighter(&limit{value: new(big.Rat).Neg(most)}, +1), top.tighter(&limit{value: most}, -1)
		}
	}
	if m := s.MultipleOf; m != nil && (step == nil || new(big.Rat).Quo(m, step).IsInt()) {
		step = m
	}
	if low == nil || top == nil {
		return
	}
	first, last := low.value, top.value
	if step != nil {
		first, last = low.onStep(step, +1), top.onStep(step, -1)
	}
	if c := first.Cmp(last); c > 0 || c == 0 && step == nil && (low.open || top.open) {
		f.leave("number", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "format", "type")
	}
}

// sizes compares the keywords that count.
func (f *neverFinder) sizes() {
	s := f.schema
	least, most := 0, -1
	if s.Format != nil {
		if known := formatNamed(s.Format.Name); known != nil {
			least, most = known.least, known.most
		}
	}
	if neither(s.MinLength, s.MaxLength, least, most) {
		f.leave("text", "minLength", "maxLength", "format")
	}
	most = -1
	if s.Items2020 != nil && s.Items2020.Bool != nil && !*s.Items2020.Bool {
		most = len(s.PrefixItems)
	}
	if neither(s.MinItems, s.MaxItems, 0, most) {
		f.leave("array", "minItems", "maxItems", "items", "prefixItems")
	}
	if s.Contains != nil && neither(s.MinContains, s.MaxContains, 0, -1) {
		f.leave("array", "minContains", "maxContains")
	}
	most = -1
	if closed(s) {
		most = len(s.Properties)
	}
	if neither(s.MinProperties, s.MaxProperties, len(s.Required), most) {
		f.leave("object", "minProperties", "maxProperties", "required", "additionalProperties")
	}
}

// neither reports that a size within given bounds is out of the others; -1 is
// no upper bound.
func neither(given, top *int, least, most int) bool {
	if given == nil && top == nil {
		return false
	}
	if given != nil {
		least = max(least, *given)
	}
	if top != nil && (most < 0 || *top < most) {
		most = *top
	}
	return most >= 0 && least > most
}

// closed reports that only what properties names may be there.
func closed(s *jsonschema.Schema) bool {
	open, given := s.AdditionalProperties.(bool)
	return given && !open && len(s.PatternProperties) == 0
}

// mistakesMax is how many mistakes of one schema are told.
const mistakesMax = 10

// listed tries each value of const, or of enum, on the rest of the schema.
func (f *neverFinder) listed() {
	rest := *f.schema
	switch {
	case rest.Const != nil:
		rest.Const = nil
		f.try(&rest, *f.schema.Const, "const")
	case rest.Enum != nil:
		rest.Enum = nil
		for i, value := range f.schema.Enum.Values {
			if len(f.wrong) >= mistakesMax {
				return
			}
			f.try(&rest, value, "enum", fmt.Sprint(i))
		}
	}
}

func (f *neverFinder) try(rest *jsonschema.Schema, value any, path ...string) {
	invalid, ok := rest.Validate(value).(*jsonschema.ValidationError)
	if !ok {
		return
	}
	text, _ := json.Marshal(value)
	leaf := deepest(invalid)
	keyword := keywordOf(leaf)
	f.wrong = append(f.wrong, lineError(at(f.node, path), "%s lists %s, which %s never lets pass (%s); leave it out, or mend %s",
		path[0], cut(string(text)), keyword, strings.Replace(leafText(leaf), "send ", "write ", 1), keyword))
}

// members looks at what required names.
func (f *neverFinder) members() {
	var optional []string
	for name := range f.schema.Properties {
		if !slices.Contains(f.schema.Required, name) {
			optional = append(optional, name)
		}
	}
	slices.Sort(optional)
	for i, name := range f.schema.Required {
		node := at(f.node, []string{"required", fmt.Sprint(i)})
		property, known := f.schema.Properties[name]
		switch {
		case known && property.Bool != nil && !*property.Bool:
			f.wrong = append(f.wrong, lineError(node, "required names %q, whose schema is false; leave out one of them", cut(name)))
		case known:
		case closed(f.schema):
			f.wrong = append(f.wrong, lineError(node, "required names %q, which no event can have: it is not in properties, and additionalProperties is false; %s",
				cut(name), meant(name, optional)))
		case !f.branch && near(name, optional) != "":
			f.wrong = append(f.wrong, lineError(node, "required names %q, which is not in properties; did you mean %s? If not, add it there: %s: true",
				cut(name), near(name, optional), cut(name)))
		}
	}
}
