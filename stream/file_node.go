package stream

import (
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// An entry is one key of a YAML mapping with its value.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// entries lists a mapping in the order it is written. What a lenient reader
// would guess at is an error: a name given twice, or one that is not text.
func entries(node *yaml.Node, what string) ([]entry, error) {
	if node.Kind != yaml.MappingNode {
		return nil, lineError(node, "%s is %s; write names and values, one a line, as `name: value`", what, shape(node))
	}
	var all []entry
	var wrong []error
	seen := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			wrong = append(wrong, lineError(key, "a name in %s is %s; write text", what, shape(key)))
			continue
		}
		if first, twice := seen[key.Value]; twice {
			wrong = append(wrong, lineError(key, "%s stands twice in %s, first at line %d; keep one", key.Value, what, first))
			continue
		}
		seen[key.Value] = key.Line
		all = append(all, entry{name: key.Value, key: key, value: value})
	}
	return all, errors.Join(wrong...)
}

// keyed is entries for a mapping that knows all its names; nil when node is no
// mapping.
func keyed(node *yaml.Node, what string, names ...string) (map[string]entry, error) {
	list, err := entries(node, what)
	if node.Kind != yaml.MappingNode {
		return nil, err
	}
	byName := make(map[string]entry, len(list))
	wrong := []error{err}
	for _, e := range list {
		if !slices.Contains(names, e.name) {
			wrong = append(wrong, lineError(e.key, "%s does not know %q; %s", what, e.name, meant(e.name, names)))
			continue
		}
		byName[e.name] = e
	}
	return byName, errors.Join(wrong...)
}

// meant suggests the known name that was probably meant, or lists them all.
func meant(name string, known []string) string {
	if best := near(name, known); best != "" {
		return "did you mean " + best + "?"
	}
	if len(known) == 0 {
		return "nothing may be written here"
	}
	list := slices.Clone(known)
	sort.Strings(list)
	return "write one of " + strings.Join(list, ", ")
}

// near is the known name that differs from name in a letter or two, or none.
func near(name string, known []string) string {
	best, distance := "", min(3, len(name))
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(next[j-1]+1, row[j]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// shape says what a node is, for messages.
func shape(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "the boolean " + node.Value
	case "!!int", "!!float":
		return "the number " + node.Value
	}
	return "the text " + strconv.Quote(cut(node.Value))
}

// text reads a scalar that must be non-empty text.
func text(node *yaml.Node, what, example string) (string, error) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" || node.Value == "" {
		return "", lineError(node, "%s is %s; write text, as %s", what, shape(node), example)
	}
	return node.Value, nil
}

func boolean(node *yaml.Node, what string) (bool, error) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!bool" {
		return false, lineError(node, "%s is %s; write true or false", what, shape(node))
	}
	return strings.EqualFold(node.Value, "true"), nil
}

func duration(node *yaml.Node, what string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(node.Value)
	if node.Kind != yaml.ScalarNode || err != nil {
		return 0, lineError(node, "%s is %s; write a number with its unit, as 500ms, 2s or 5m", what, shape(node))
	}
	if d < least || d > most {
		return 0, lineError(node, "%s is %s; write %s to %s", what, node.Value, least, most)
	}
	return d, nil
}

func integer(node *yaml.Node, what string, least, most int) (int, error) {
	n, err := strconv.Atoi(node.Value)
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" || err != nil || n < least || n > most {
		return 0, lineError(node, "%s is %s; write a whole number, %d to %d", what, shape(node), least, most)
	}
	return n, nil
}

// choice reads a scalar that must be one of a few words.
func choice(node *yaml.Node, what string, words ...string) (string, error) {
	if node.Kind != yaml.ScalarNode || !slices.Contains(words, node.Value) {
		return "", lineError(node, "%s is %s; write %s", what, shape(node), orList(words))
	}
	return node.Value, nil
}

// names reads one name or a list of names, none twice.
func names(node *yaml.Node, what, example string) ([]*yaml.Node, error) {
	if node.Kind != yaml.SequenceNode {
		_, err := text(node, what, example)
		return []*yaml.Node{node}, err
	}
	if len(node.Content) == 0 {
		return nil, lineError(node, "%s is an empty list; name at least one field, as %s", what, example)
	}
	seen := map[string]bool{}
	for _, item := range node.Content {
		name, err := text(item, what, example)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, lineError(item, "%s names %s twice; keep one", what, name)
		}
		seen[name] = true
	}
	return node.Content, nil
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// cut shortens what a message quotes to about 40 characters.
func cut(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
