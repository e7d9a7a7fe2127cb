package stream

import (
	"encoding/json"
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// decimalBounds teaches the full validator what the checks do: beside format
// decimal(p,s), the keywords minimum, maximum, exclusiveMinimum,
// exclusiveMaximum and multipleOf hold for the text form too. JSON Schema has
// them judge numbers only, so that "-5" would pass where -5 does not.
var decimalBounds = &jsonschema.Vocabulary{
	URL: "https://penstock.io/vocabulary/decimal-bounds",
	Compile: func(_ *jsonschema.CompilerContext, object map[string]any) (jsonschema.SchemaExt, error) {
		name, _ := object["format"].(string)
		if _, _, decimal, _ := parseDecimalFormat(name); !decimal {
			return nil, nil
		}
		b := &textBounds{
			minimum: boundRat(object["minimum"]), maximum: boundRat(object["maximum"]),
			above: boundRat(object["exclusiveMinimum"]), below: boundRat(object["exclusiveMaximum"]),
			multipleOf: boundRat(object["multipleOf"]),
		}
		if *b == (textBounds{}) {
			return nil, nil
		}
		return b, nil
	},
}

type textBounds struct {
	minimum, maximum, above, below, multipleOf *big.Rat
}

func boundRat(v any) *big.Rat {
	literal, ok := v.(json.Number)
	if !ok {
		return nil
	}
	r, _ := new(big.Rat).SetString(string(literal))
	return r
}

// Validate judges text; numbers are judged by the keywords themselves.
func (b *textBounds) Validate(ctx *jsonschema.ValidatorContext, v any) {
	text, ok := v.(string)
	if !ok {
		return
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return // the format has refused it
	}
	if b.minimum != nil && r.Cmp(b.minimum) < 0 {
		ctx.AddError(&kind.Minimum{Got: r, Want: b.minimum})
	}
	if b.maximum != nil && r.Cmp(b.maximum) > 0 {
		ctx.AddError(&kind.Maximum{Got: r, Want: b.maximum})
	}
	if b.above != nil && r.Cmp(b.above) <= 0 {
		ctx.AddError(&kind.ExclusiveMinimum{Got: r, Want: b.above})
	}
	if b.below != nil && r.Cmp(b.below) >= 0 {
		ctx.AddError(&kind.ExclusiveMaximum{Got: r, Want: b.below})
	}
	if b.multipleOf != nil && !new(big.Rat).Quo(r, b.multipleOf).IsInt() {
		ctx.AddError(&kind.MultipleOf{Got: r, Want: b.multipleOf})
	}
}
