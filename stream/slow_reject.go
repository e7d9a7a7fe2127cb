package stream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// fullReject turns the validator's tree of errors into one reject: the deepest
// cause, the first in the order of the fields where several are as deep. The
// validator walks Go maps, so the choice must not hang on its order.
func (s *Stream) fullReject(tree *jsonschema.ValidationError, document map[string]any, extra []byte) *penstock.Reject {
	leaves := causes(tree)
	rank := func(e *jsonschema.ValidationError) int {
		if len(e.InstanceLocation) == 0 {
			return -1
		}
		if i := s.declared(e.InstanceLocation[0]); i >= 0 {
			return i
		}
		return s.Declared
	}
	leaf := slices.MinFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(
			cmp.Compare(len(b.InstanceLocation), len(a.InstanceLocation)),
			cmp.Compare(rank(a), rank(b)),
			strings.Compare(failingPlace(a), failingPlace(b)),
			cmp.Compare(order(a), order(b)),
			strings.Compare(a.SchemaURL, b.SchemaURL),
		)
	})
	pointer := failingPlace(leaf)
	if k, ok := leaf.ErrorKind.(*kind.AdditionalProperties); ok {
		pointer += "/" + escapePointer(cutName(firstUnknown(k.Properties, leaf.InstanceLocation, extra)))
	}
	subject := "the event"
	if pointer != "" {
		subject = cut(pointer[1:])
	}
	got := ""
	ofMember := pointer != pointerOf(leaf.InstanceLocation) // the member's name is at fault
	if v, ok := valueAt(document, leaf.InstanceLocation); ok && !ofMember && pointer != "" {
		got = " is " + shownJSON(v)
	}
	return penstock.NewReject(keywordOf(leaf), pointer, "%s%s: %s", subject, got, leafText(leaf))
}

func (s *Stream) declared(name string) int {
	for i := range s.Fields[:s.Declared] {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// causes lists the errors in the tree that are causes by themselves. For anyOf
// and oneOf that is a deeper cause within a branch, or else the keyword: which
// branch was meant cannot be known.
func causes(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	self := []*jsonschema.ValidationError{e}
	if len(e.Causes) == 0 {
		return self
	}
	switch e.ErrorKind.(type) {
	case *kind.PropertyNames, *kind.ContentSchema, *kind.Contains, *kind.MinContains:
		return self // the causes are about something else than the value
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, causes(cause)...)
	}
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		deeper := slices.DeleteFunc(all, func(c *jsonschema.ValidationError) bool {
			return len(c.InstanceLocation) <= len(e.InstanceLocation)
		})
		if len(deeper) == 0 {
			return self
		}
		return deeper
	}
	return all
}

// deepest is the first of the deepest causes.
func deepest(tree *jsonschema.ValidationError) *jsonschema.ValidationError {
	return slices.MinFunc(causes(tree), func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(
			cmp.Compare(len(b.InstanceLocation), len(a.InstanceLocation)),
			strings.Compare(pointerOf(a.InstanceLocation), pointerOf(b.InstanceLocation)),
			cmp.Compare(order(a), order(b)),
		)
	})
}

// order is the keyword's place among those that fail at one value, as the
// checks try them.
func order(e *jsonschema.ValidationError) int {
	list := []string{"false", "type", "const", "enum", "format", "required",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minLength", "maxLength", "pattern"}
	if i := slices.Index(list, keywordOf(e)); i >= 0 {
		return i
	}
	return len(list)
}

// keywordOf is the keyword that failed.
func keywordOf(e *jsonschema.ValidationError) string {
	switch e.ErrorKind.(type) {
	case *kind.FalseSchema:
		return "false"
	case *kind.Not:
		return "not"
	}
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		return path[0]
	}
	return "schema"
}

func pointerOf(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escapePointer(cutName(t)))
	}
	return b.String()
}

// failingPlace is the JSON pointer of the value at fault, or of the member
// whose name is.
func failingPlace(e *jsonschema.ValidationError) string {
	if k, ok := e.ErrorKind.(*kind.PropertyNames); ok {
		return pointerOf(append(slices.Clone(e.InstanceLocation), k.Property))
	}
	return pointerOf(e.InstanceLocation)
}

// firstUnknown is the member to point at: the first as received when the event
// itself is closed, else the first by name, as nested members are not kept in
// order.
func firstUnknown(names, location []string, extra []byte) string {
	if len(location) == 0 && len(extra) > 0 {
		if first := firstMember(extra); slices.Contains(names, first) {
			return first
		}
	}
	return slices.Min(names)
}

// leafText says what would be right, exactly: the library's own texts show
// numbers as float64.
func leafText(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		var words []string
		for _, name := range k.Want {
			words = append(words, typeWords[slices.Index(typeNames, name)])
		}
		return "send " + orList(words)
	case *kind.Required:
		return "send " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "no such member is allowed; leave it out"
	case *kind.FalseSchema:
		return "no value is allowed; leave it out"
	case *kind.Format:
		return "not a valid " + k.Want + "; " + k.Err.Error()
	case *kind.Pattern:
		return "send what matches " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("%d characters; send at least %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("%d characters; send at most %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("%d long; send at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%d long; send at most %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("%d members; send at least %d", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("%d members; send at most %d", k.Got, k.Want)
	case *kind.Minimum:
		return "send at least " + ratText(k.Want)
	case *kind.Maximum:
		return "send at most " + ratText(k.Want)
	case *kind.ExclusiveMinimum:
		return "send more than " + ratText(k.Want)
	case *kind.ExclusiveMaximum:
		return "send less than " + ratText(k.Want)
	case *kind.MultipleOf:
		return "send a multiple of " + ratText(k.Want)
	case *kind.Enum:
		return "send one of " + wantedJSON(k.Want...)
	case *kind.Const:
		return "send " + wantedJSON(k.Want)
	case *kind.AnyOf:
		return "it fits none of the forms that anyOf lists"
	case *kind.Not:
		return "it is what the schema forbids with not"
	}
	text := (&jsonschema.ValidationError{ErrorKind: e.ErrorKind}).Error()
	return strings.TrimPrefix(text, "at '': ")
}

// wantedJSON lists what the schema wants, as far as a message bears.
func wantedJSON(values ...any) string {
	var list []string
	for _, v := range values[:min(len(values), 10)] {
		text, err := json.Marshal(v)
		if err != nil {
			return "what the schema lists"
		}
		list = append(list, cut(string(text)))
	}
	if len(values) > len(list) {
		list = append(list, "…")
	}
	return strings.Join(list, ", ")
}

// ratText writes a bound of the schema, which was a decimal literal, in full.
func ratText(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact || digits > 40 {
		return r.RatString()
	}
	return r.FloatString(digits)
}

func valueAt(document any, tokens []string) (any, bool) {
	for _, t := range tokens {
		switch d := document.(type) {
		case map[string]any:
			inner, ok := d[t]
			if !ok {
				return nil, false
			}
			document = inner
		case []any:
			i, err := strconv.Atoi(t)
			if err != nil || i < 0 || i >= len(d) {
				return nil, false
			}
			document = d[i]
		default:
			return nil, false
		}
	}
	return document, true
}

// shownJSON quotes a decoded value in a message, cut short.
func shownJSON(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return cut(string(v))
	case string:
		if v == "" {
			return "empty text"
		}
		return "the text " + strconv.Quote(cut(v))
	case []any:
		return "an array"
	}
	return "an object"
}
