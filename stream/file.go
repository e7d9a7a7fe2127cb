package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

// streamsMax bounds the stream files of one folder.
const streamsMax = 1000

// Load compiles a stream file, or every *.yaml and *.yml file of a folder in
// the order of their names. Files named *.schema.yaml are schemas that streams
// refer to, and skipped. The error lists every mistake found, one a line, as
// file:line: what is wrong; what to write instead.
func Load(path string) ([]*Stream, error) {
	files, err := streamFiles(path)
	if err != nil {
		return nil, err
	}
	var streams []*Stream
	var wrong []error
	for _, file := range files {
		s, err := loadFile(file)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, other := range streams {
			if other.Name == s.Name {
				wrong = append(wrong, &FileError{File: file, Line: 1,
					Text: fmt.Sprintf("the stream %s is described in %s already; give each its own name", s.Name, other.File)})
			}
		}
		streams = append(streams, s)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return streams, nil
}

func streamFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load streams: %w; name a stream file or a folder of them", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	found, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("load streams: %w", err)
	}
	var files []string
	for _, f := range found {
		name := f.Name()
		ext := filepath.Ext(name)
		if f.IsDir() || strings.HasPrefix(name, ".") || ext != ".yaml" && ext != ".yml" ||
			strings.HasSuffix(strings.TrimSuffix(name, ext), ".schema") {
			continue
		}
		files = append(files, filepath.Join(path, name))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("load streams: the folder %s has no *.yaml file; put a stream file there, as examples/orders/orders.yaml", path)
	}
	if len(files) > streamsMax {
		return nil, fmt.Errorf("load streams: the folder %s has %d stream files; at most %d are loaded", path, len(files), streamsMax)
	}
	return files, nil
}

func loadFile(file string) (*Stream, error) {
	included := &sources{documents: map[string]document{}}
	data, err := included.read(file)
	if err != nil {
		return nil, fmt.Errorf("load stream: %w", err)
	}
	root, err := parseYAML(data)
	if err != nil {
		return nil, inFile(file, err)
	}
	c := &fileCompiler{stream: &Stream{File: file, Key: -1, Time: -1}, included: included}
	if err := c.compile(root); err != nil {
		return nil, sorted(inFile(file, err))
	}
	c.stream.Version = included.version()
	return c.stream, nil
}

// fileCompiler turns the mapping of a stream file into a Stream.
type fileCompiler struct {
	stream   *Stream
	included *sources
	root     *yaml.Node
	keys     map[string]entry
	wrong    []error
}

// compile reads the keys in the order in which they depend on one another.
// Without a sound schema every name would seem unknown, so its mistakes end
// the reading.
func (c *fileCompiler) compile(root *yaml.Node) error {
	keys, err := keyed(root, "the stream file",
		"stream", "schema", "id", "key", "time", "derive", "enrich", "topic", "table", "reads", "ack", "rejects")
	if keys == nil {
		return err
	}
	c.root, c.keys = root, keys
	c.note(err)
	c.name()
	if err := c.schema(); err != nil {
		c.note(err)
		return errors.Join(c.wrong...)
	}
	if derive, ok := keys["derive"]; ok {
		c.note(c.stream.compileDerive(derive.value))
	}
	if enrich, ok := keys["enrich"]; ok {
		c.note(c.stream.compileLookups(enrich.value))
	}
	c.identity()
	c.topic()
	if err := c.stream.compileTable(keys["table"].value); err != nil {
		c.note(err)
	} else if reads, ok := keys["reads"]; ok {
		c.note(c.stream.compileReads(reads.value))
	}
	c.receipts()
	if err := errors.Join(c.wrong...); err != nil {
		return err
	}
	return c.stream.compileCodec()
}

func (c *fileCompiler) note(err error) {
	if err != nil {
		c.wrong = append(c.wrong, err)
	}
}

var streamName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// name reads the stream's name, which stands in addresses and folder names.
func (c *fileCompiler) name() {
	e, ok := c.keys["stream"]
	if !ok {
		c.note(lineError(c.root, "the stream has no name; write stream: orders"))
		return
	}
	name, err := text(e.value, "the stream's name", "stream: orders")
	if err == nil && !streamName.MatchString(name) {
		err = lineError(e.value, "the stream's name %q is not one; write a lower-case letter, then up to 63 lower-case letters, digits, - or _", cut(name))
	}
	c.note(err)
	c.stream.Name = name
}

// schema compiles the schema, inline or in a file of its own.
func (c *fileCompiler) schema() error {
	e, ok := c.keys["schema"]
	if !ok {
		return lineError(c.root, "the stream has no schema; write schema: with properties below it, or the name of a schema file")
	}
	if e.value.Kind != yaml.ScalarNode {
		return c.stream.compileSchema(e.value, c.stream.File, c.included)
	}
	name, err := text(e.value, "the schema", "schema: order.schema.json")
	if err != nil {
		return err
	}
	file := c.beside(name)
	data, err := c.included.read(file)
	if err != nil {
		return lineError(e.value, "read the schema: %v; write its name relative to this file", err)
	}
	node, err := parseYAML(data)
	if err == nil {
		err = c.stream.compileSchema(node, file, c.included)
	}
	return inFile(file, err)
}

// beside resolves a name against the stream file's folder.
func (c *fileCompiler) beside(name string) string { return beside(c.stream.File, name) }

func beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// identity reads id, key and time. They are settled before the look-ups: an event
// that a failing look-up holds up must be known by its identity and hold up its
// key, and the same event sent again must be the same, whatever a look-up says then.
func (c *fileCompiler) identity() {
	s := c.stream
	if e, ok := c.keys["id"]; ok {
		slots, err := s.slots(e.value, "id", "id: order_id")
		if err == nil {
			err = s.known(e, slots...)
		}
		c.note(err)
		s.ID = slots
	}
	if e, ok := c.keys["key"]; ok {
		slot, err := s.slotAt(e.value, "key", "key: user_id")
		if err == nil {
			err = s.known(e, slot)
		}
		c.note(err)
		s.Key = slot
	}
	if e, ok := c.keys["time"]; ok {
		slot, err := s.slotAt(e.value, "time", "time: created_at")
		if err == nil {
			err = s.known(e, slot)
		}
		if err == nil && s.Fields[slot].Type != Time {
			err = lineError(e.value, "time names %s, which holds %s; name a field of type string with format: date-time, or cast one to time in derive",
				e.value.Value, s.Fields[slot].Type)
		}
		c.note(err)
		s.Time = slot
	}
}

// known returns an error if one of the slots is filled by a look-up.
func (s *Stream) known(e entry, slots ...int) error {
	for _, l := range s.Lookups {
		for _, a := range l.Add {
			if slices.Contains(slots, a.Slot) {
				return lineError(e.value, "%s names %s, which the look-up %s adds, and it must be known before anything is looked up; name a field of the schema or of derive",
					e.name, s.Fields[a.Slot].Name, l.Name)
			}
		}
	}
	return nil
}

// slots resolves one name or a list of names of fields that hold scalars.
func (s *Stream) slots(node *yaml.Node, what, example string) ([]int, error) {
	list, err := names(node, what, example)
	if err != nil {
		return nil, err
	}
	var slots []int
	for _, item := range list {
		slot, err := s.slotAt(item, what, example)
		if err != nil {
			return nil, err
		}
		slots = append(slots, slot)
	}
	return slots, nil
}

// slotAt resolves the name of a field that holds a scalar.
func (s *Stream) slotAt(node *yaml.Node, what, example string) (int, error) {
	name, err := text(node, what, example)
	if err != nil {
		return -1, err
	}
	slot := s.slot(name)
	if slot < 0 {
		return -1, lineError(node, "%s names %q, which is no field of the stream; %s", what, cut(name), meant(name, s.fieldNames()))
	}
	if s.Fields[slot].Type == JSON {
		return -1, lineError(node, "%s names %s, which holds an object or array; name a field with text, a number or a time", what, name)
	}
	if slot < s.Declared && (s.checks[slot].never || s.checks[slot].types == typeNull) {
		return -1, lineError(node, "%s names %s, which never has a value by its schema; name another field, or give it a type", what, name)
	}
	return slot, nil
}

// fieldNames lists each name once.
func (s *Stream) fieldNames() []string {
	var list []string
	for _, f := range s.Fields {
		if !slices.Contains(list, f.Name) {
			list = append(list, f.Name)
		}
	}
	return list
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,240}$`)

func (c *fileCompiler) topic() {
	c.stream.Topic = c.stream.Name
	e, ok := c.keys["topic"]
	if !ok {
		return
	}
	name, err := text(e.value, "topic", "topic: orders")
	if err == nil && (!topicName.MatchString(name) || name == "." || name == "..") {
		err = lineError(e.value, "the topic %q is no name Kafka takes; write 1 to 240 letters, digits, . _ or -", cut(name))
	}
	c.note(err)
	c.stream.Topic = name
}

// receipts reads ack and rejects.
func (c *fileCompiler) receipts() {
	if e, ok := c.keys["ack"]; ok {
		word, err := choice(e.value, "ack", penstock.AckDisk.String(), penstock.AckKafka.String())
		c.note(err)
		if word == penstock.AckKafka.String() {
			c.stream.Ack = penstock.AckKafka
		}
	}
	if e, ok := c.keys["rejects"]; ok {
		keep, err := boolean(e.value, "rejects")
		c.note(err)
		c.stream.Rejects = keep
	}
}

// slot returns the last slot of the given name, or -1: a derived or looked-up
// field stands in front of the received one it overrides.
func (s *Stream) slot(name string) int {
	for i := len(s.Fields) - 1; i >= 0; i-- {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}
