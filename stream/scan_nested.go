package stream

import (
	"fmt"
	"unsafe"
)

// skip walks the value at i, whatever it is.
func (c *scanner) skip(i int) int {
	switch b := c.peek(i); b {
	case '"':
		end, _ := c.text(i)
		return end
	case '{', '[':
		return c.container(i, 1)
	case 't':
		return c.literal(i, "true")
	case 'f':
		return c.literal(i, "false")
	case 'n':
		return c.literal(i, "null")
	default:
		if b == '-' || b-'0' < 10 {
			end, _ := c.number(i)
			return end
		}
		return c.wrong(i, "a value")
	}
}

// container walks the object or array at i, with outer containers open around
// it. It does not recurse, so that no text can overflow the stack: what is
// open is a bit each in c.kinds.
func (c *scanner) container(i, outer int) int {
	depth := 0
	for i >= 0 {
		if b := c.peek(i); b == '{' || b == '[' {
			var empty bool
			if i, empty = c.enter(i, depth, outer); !empty {
				depth++
				continue
			}
		} else {
			i = c.skip(i)
		}
		if i, depth = c.behind(i, depth); depth == 0 {
			return i
		}
	}
	return -1
}

// enter opens the object or array at i, with depth+outer open around it. It
// returns where the first value in it begins or, of an empty one, its end.
func (c *scanner) enter(i, depth, outer int) (next int, empty bool) {
	object := c.data[i] == '{'
	c.open(depth, object)
	if depth+1+outer > c.depthMax && c.fault.none() {
		c.mark(codeDepth, i, fmt.Sprintf("objects and arrays are nested more than %d deep; flatten the event", c.depthMax))
	}
	i = c.space(i + 1)
	if object && c.peek(i) != '}' {
		return c.name(i), false
	}
	if object || c.peek(i) == ']' {
		return c.closed(i, object), true
	}
	return i, false
}

// behind goes on behind a value, with depth objects and arrays open around it,
// to where the next one begins, and closes what ends before that. It returns how
// many are open then.
func (c *scanner) behind(i, depth int) (next, open int) {
	for i >= 0 && depth > 0 {
		object := c.inObject(depth - 1)
		i = c.space(i)
		switch b := c.peek(i); {
		case b == ',':
			i = c.space(i + 1)
			if object {
				i = c.name(i)
			}
			return i, depth
		case b == '}' && object, b == ']' && !object:
			i = c.closed(i, object)
			depth--
		case object:
			return c.wrong(i, "',' or '}' behind the member"), depth
		default:
			return c.wrong(i, "',' or ']' behind the element"), depth
		}
	}
	return i, depth
}

func (c *scanner) open(depth int, object bool) {
	if depth>>6 == len(c.kinds) {
		c.kinds = append(c.kinds, 0)
	}
	c.kinds[depth>>6] &^= 1 << (depth & 63)
	if object {
		c.kinds[depth>>6] |= 1 << (depth & 63)
		if c.fault.none() {
			c.names.open()
		}
	}
}

func (c *scanner) closed(i int, object bool) int {
	if object && c.fault.none() {
		c.names.close()
	}
	return i + 1
}

func (c *scanner) inObject(depth int) bool { return c.kinds[depth>>6]>>(depth&63)&1 == 1 }

// name walks a member's name and colon up to where its value begins. Once
// there is a fault names are no longer compared: the first fault decides.
func (c *scanner) name(i int) int {
	if c.peek(i) != '"' {
		return c.wrong(i, "a name in double quotes")
	}
	end, escaped := c.text(i)
	if end < 0 {
		return -1
	}
	if c.fault.none() {
		name := c.data[i+1 : end-1]
		if escaped {
			name = c.unescape(name)
		}
		if !c.names.add(name) {
			c.mark(codeDuplicate, i, duplicateDetail)
		}
	}
	return c.colon(end)
}

const duplicateDetail = "the name stands twice in one object, and readers differ in which one they take; leave one out"

// colon walks the colon behind a name up to where the value begins.
func (c *scanner) colon(i int) int {
	i = c.space(i)
	if c.peek(i) != ':' {
		return c.wrong(i, "':' behind the name")
	}
	return c.space(i + 1)
}

// A nameSet holds the names of all open objects, to find duplicates. Small
// objects are compared name by name; the names of large ones are also in a
// map, whose hash is seeded, so that no choice of names makes it slow.
type nameSet struct {
	names   [][]byte // of the open objects, the innermost last
	objects []nameLevel
	serial  uint32
	large   map[largeName]struct{}
}

type nameLevel struct {
	first  int    // of its names
	serial uint32 // tells objects apart in large
	seen   uint64 // a bit for each hash of a name: most new names are known to be new at once
}

type largeName struct {
	object uint32
	name   string
}

// Objects of more names than smallObject use the map, which costs more than a
// few comparisons; keptNames is how many names or map entries are kept for the
// next event.
const (
	smallObject = 48
	keptNames   = 4096
)

func (s *nameSet) reset() {
	if cap(s.names) > keptNames {
		s.names = nil
	}
	if cap(s.objects) > keptNames {
		s.objects = nil
	}
	s.names, s.objects, s.serial = s.names[:0], s.objects[:0], 0
	switch n := len(s.large); {
	case n > keptNames:
		s.large = nil
	case n > 0:
		clear(s.large)
	}
}

func (s *nameSet) open() {
	s.serial++
	s.objects = append(s.objects, nameLevel{first: len(s.names), serial: s.serial})
}

func (s *nameSet) close() {
	last := len(s.objects) - 1
	s.names = s.names[:s.objects[last].first]
	s.objects = s.objects[:last]
}

// add notes a name of the innermost object; false: it was there already. The
// name's bytes must stay until reset.
func (s *nameSet) add(name []byte) bool {
	o := &s.objects[len(s.objects)-1]
	bit := uint64(1) << (nameHash(name) >> 58)
	known := o.seen&bit != 0
	o.seen |= bit
	count := len(s.names) - o.first
	s.names = append(s.names, name)
	if count < smallObject {
		if known {
			for _, other := range s.names[o.first : len(s.names)-1] {
				if string(other) == string(name) {
					return false
				}
			}
		}
		return true
	}
	if s.large == nil {
		s.large = map[largeName]struct{}{}
	}
	if count == smallObject {
		for _, other := range s.names[o.first : len(s.names)-1] {
			s.large[largeName{o.serial, viewText(other)}] = struct{}{}
		}
	}
	before := len(s.large)
	s.large[largeName{o.serial, viewText(name)}] = struct{}{}
	return len(s.large) > before
}

// viewText is the bytes as a string without a copy, for as long as nobody
// writes to them: event bytes are never written to while they are decoded.
func viewText(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
