package stream

import (
	"errors"
	"maps"
	"slices"
	"strings"

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

// checkSchemas refuses schemas by which no event could be judged, or none could
// ever pass. Each mistake has the line of the schema it is in.
func checkSchemas(root *jsonschema.Schema, included *sources) error {
	c := circleFinder{state: map[*jsonschema.Schema]progress{}, next: []*jsonschema.Schema{root}}
	for len(c.next) > 0 && c.found == nil {
		s := c.next[len(c.next)-1]
		c.next = c.next[:len(c.next)-1]
		c.walk(s)
	}
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
