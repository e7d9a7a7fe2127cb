package stream

import "github.com/penstock-io/penstock"

// fromText sets v to a JSON string's text as the field's type has it. What
// does not fit the type stays Text, for the checks to say what is wrong.
func (f *Field) fromText(text []byte, v *penstock.Value) {
	switch f.Type {
	case Time:
		if seconds, nanos, ok := parseTime(text); ok {
			*v = penstock.Value{Kind: penstock.Time, Num: seconds, Nanos: nanos, Bytes: text}
			return
		}
	case Decimal:
		if !f.FromText {
			break
		}
		if unscaled, ok := parseDecimal(text, f.Precision, f.Scale); ok {
			*v = penstock.Value{Kind: penstock.Decimal, Num: unscaled, Scale: f.Scale, Bytes: text}
			return
		}
	}
	*v = penstock.Value{Kind: penstock.Text, Bytes: text}
}

// fromNumber sets v to a JSON number as the field's type has it. An integer
// that fits is an Int unless the schema says number: there the literal is kept
// as it is. What fits neither stays Number, with all its digits.
func (f *Field) fromNumber(literal []byte, n numeral, v *penstock.Value) {
	switch f.Type {
	case Int:
		if i, ok := n.scaled(0); ok {
			*v = penstock.Value{Kind: penstock.Int, Num: i, Bytes: literal}
			return
		}
	case Decimal:
		if !f.FromNumber {
			break
		}
		if unscaled, ok := n.decimal(f.Precision, f.Scale); ok {
			*v = penstock.Value{Kind: penstock.Decimal, Num: unscaled, Scale: f.Scale, Bytes: literal}
			return
		}
	case Number:
	default:
		// -0 is kept as it is: an Int has no such thing.
		if i, ok := n.scaled(0); ok && n.plain && !(n.neg && i == 0) {
			*v = penstock.Value{Kind: penstock.Int, Num: i, Bytes: literal}
			return
		}
	}
	*v = penstock.Value{Kind: penstock.Number, Bytes: literal}
}

// Read reads text that does not come from an event, as a cell of a look-up's
// answer, as the value that the cell of an event's file would be: numbers,
// booleans, objects and arrays as JSON writes them, text and times without the
// quotes. A field of any type takes it as text. It is false for what no event
// could have: a record with anything else could not be read back.
func (f Field) Read(text []byte) (v penstock.Value, ok bool) {
	v = penstock.Value{Kind: penstock.Text, Bytes: text}
	switch f.Type {
	case Any, Text:
		return v, validText(text)
	case Bool:
		return penstock.BoolValue(string(text) == "true"), string(text) == "true" || string(text) == "false"
	case Time:
		f.fromText(text, &v)
		return v, v.Kind == penstock.Time
	case JSON:
		v.Kind = penstock.JSON
		return v, validContainer(text)
	}
	n, ok := parseNumeral(text)
	if !ok {
		return v, false
	}
	f.FromNumber = true
	f.fromNumber(text, n, &v)
	switch f.Type {
	case Int: // a Number is one beyond 64 bits, or no integer
		ok = v.Kind == penstock.Int || parseNumber(text).whole()
	case Decimal:
		ok = v.Kind == penstock.Decimal
	}
	return v, ok
}

// validContainer reports whether text is a JSON object or array that a Decoder
// with the usual limits takes as the value of a field.
func validContainer(text []byte) bool {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	var d Decoder
	d.scan.unescape = d.unescape
	d.begin(text)
	return d.scan.container(0, 1) == len(text) && d.scan.fault.none()
}
