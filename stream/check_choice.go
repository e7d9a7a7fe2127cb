package stream

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-io/penstock"
)

// choices are the keywords enum and const over scalars, compiled.
type choices struct {
	texts    map[string]struct{} // the list's, when that has more than a few
	list     []string
	integers []int64
	numbers  []number
	null     bool
	yes, no  bool
	listing  string // for messages
}

// fewTexts is how many texts are compared one by one, which is faster than
// hashing for so few.
const fewTexts = 8

// newChoices compiles the values; ok is false when one is an object or an
// array, which is the full validator's work.
func newChoices(values []*yaml.Node) (c *choices, ok bool) {
	c = &choices{}
	var shown []string
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			return nil, false
		}
		switch v.ShortTag() {
		case "!!null":
			c.null = true
			shown = append(shown, "null")
		case "!!bool":
			yes := strings.EqualFold(v.Value, "true")
			c.yes = c.yes || yes
			c.no = c.no || !yes
			shown = append(shown, strconv.FormatBool(yes))
		case "!!int", "!!float":
			c.numbers = append(c.numbers, parseNumber([]byte(v.Value)))
			if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
				c.integers = append(c.integers, n)
			}
			shown = append(shown, v.Value)
		default:
			c.list = append(c.list, v.Value)
			shown = append(shown, strconv.Quote(v.Value))
		}
	}
	if len(c.list) > fewTexts {
		c.texts = make(map[string]struct{}, len(c.list))
		for _, t := range c.list {
			c.texts[t] = struct{}{}
		}
	}
	const listed = 12
	if len(shown) > listed {
		shown = append(shown[:listed:listed], "…")
	}
	c.listing = orList(shown)
	return c, true
}

func (c *choices) have(v *penstock.Value) bool {
	switch v.Kind {
	case penstock.Null:
		return c.null
	case penstock.Bool:
		return v.Num == 1 && c.yes || v.Num == 0 && c.no
	case penstock.Text:
		return c.haveText(v.Bytes)
	case penstock.Time:
		return c.haveText(received(v))
	case penstock.Int:
		if slices.Contains(c.integers, v.Num) {
			return true
		}
		return c.haveNumber(v)
	case penstock.Number, penstock.Decimal:
		return c.haveNumber(v)
	}
	return false
}

func (c *choices) haveText(text []byte) bool {
	if c.texts != nil {
		_, ok := c.texts[string(text)]
		return ok
	}
	for _, t := range c.list {
		if string(text) == t {
			return true
		}
	}
	return false
}

func (c *choices) haveNumber(v *penstock.Value) bool {
	if len(c.numbers) == 0 {
		return false
	}
	var buf [32]byte
	n := parseNumber(literalOf(v, buf[:0]))
	for _, m := range c.numbers {
		if n.compare(m) == 0 {
			return true
		}
	}
	return false
}
