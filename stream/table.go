package stream

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$`)

// compileTable reads table: a name, or {name, primary_key}. Without the key
// the table has the stream's name, with - written _; without primary_key that
// is the identity.
func (s *Stream) compileTable(node *yaml.Node) error {
	s.Table = Table{Name: tableOf(s.Name), PrimaryKey: s.ID}
	if node == nil {
		return nil
	}
	if node.Kind == yaml.ScalarNode {
		return s.nameTable(node)
	}
	keys, err := keyed(node, "table", "name", "primary_key")
	if err != nil {
		return err
	}
	if e, ok := keys["name"]; ok {
		if err := s.nameTable(e.value); err != nil {
			return err
		}
	}
	if e, ok := keys["primary_key"]; ok {
		s.Table.PrimaryKey, err = s.slots(e.value, "primary_key", "primary_key: [order_id]")
	}
	return err
}

func (s *Stream) nameTable(node *yaml.Node) error {
	name, err := text(node, "the table's name", "table: orders")
	if err != nil {
		return err
	}
	if !tableName.MatchString(name) {
		return lineError(node, "the table %q is no plain SQL name; write letters, digits and _, with the schema in front if need be, as sales.orders", cut(name))
	}
	s.Table.Name = name
	return nil
}

func tableOf(stream string) string {
	name := []byte(stream)
	for i, c := range name {
		if c == '-' {
			name[i] = '_'
		}
	}
	return string(name)
}

// A Column is one column of the stream's table: a field's name and the slot
// that holds its value.
type Column struct {
	Name string
	Slot int
}

// Columns are the columns of the stream's table: each name once, at the place
// of its first slot, with the value of its last, as in the record that Encode
// writes.
func (s *Stream) Columns() []Column {
	columns := make([]Column, len(s.layout))
	for i, m := range s.layout {
		columns[i] = Column{s.Fields[m.slot].Name, m.slot}
	}
	return columns
}

// Texts are those that the schema lists for a field of type Text, by enum or
// const; nil where it lists none.
func (s *Stream) Texts(slot int) []string {
	if slot < 0 || slot >= s.Declared || s.Fields[slot].Type != Text {
		return nil
	}
	for _, listed := range []*choices{s.checks[slot].constant, s.checks[slot].enum} {
		if listed != nil {
			return listed.list
		}
	}
	return nil
}

// Open reports whether the schema admits members that it does not name: then
// events may have Extra.
func (s *Stream) Open() bool { return !s.closed }
