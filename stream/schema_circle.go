package stream

import (
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A circleFinder looks for schemas that lead back to themselves at one place
// of a document, as two $refs at each other. The validator would find out with
// the first event, and refuse it and all others.
type circleFinder struct {
	state map[*jsonschema.Schema]progress
	next  []*jsonschema.Schema // further down in the document
	found *jsonschema.Schema
}

// progress is how far a schema has been looked at.
type progress uint8

const (
	underWay progress = iota + 1
	lookedAt
)

// newCircleFinder looks at all schemas that root leads to.
func newCircleFinder(root *jsonschema.Schema) *circleFinder {
	c := &circleFinder{state: map[*jsonschema.Schema]progress{}, next: []*jsonschema.Schema{root}}
	for len(c.next) > 0 && c.found == nil {
		s := c.next[len(c.next)-1]
		c.next = c.next[:len(c.next)-1]
		c.walk(s)
	}
	return c
}

// walk looks at s and all that judges the same place. What is below waits: to
// come back from there to a schema that is under way is a tree, not a circle.
func (c *circleFinder) walk(s *jsonschema.Schema) {
	switch c.state[s] {
	case underWay:
		c.found = s
		return
	case lookedAt:
		return
	}
	c.state[s] = underWay
	for _, same := range samePlace(s) {
		c.walk(same)
	}
	c.state[s] = lookedAt
	c.next = append(c.next, furtherDown(s)...)
}

// samePlace are the schemas that judge what s judges.
func samePlace(s *jsonschema.Schema) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else}
	list = slices.Concat(list, s.AllOf, s.AnyOf, s.OneOf, values(s.DependentSchemas))
	return slices.DeleteFunc(list, func(s *jsonschema.Schema) bool { return s == nil })
}

// furtherDown are the schemas that judge members and elements.
func furtherDown(s *jsonschema.Schema) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema}
	if additional, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		list = append(list, additional)
	}
	list = slices.Concat(list, s.PrefixItems, values(s.Properties), slices.Collect(maps.Values(s.PatternProperties)))
	return slices.DeleteFunc(list, func(s *jsonschema.Schema) bool { return s == nil })
}

// values are those of a map in the order of their names, so that a mistake
// reads the same each time.
func values(m map[string]*jsonschema.Schema) []*jsonschema.Schema {
	list := make([]*jsonschema.Schema, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}
