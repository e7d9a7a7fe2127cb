package orders

// A Fault is what is wrong with a bad order, and the reject that the orders
// stream gives it.
type Fault struct {
	Name    string // what was done, as "currency_lower"
	Code    string // the reject's code; "" where each door has its own
	Pointer string // the reject's pointer, from the order itself; meaningful with a Code that names a schema keyword
}

// A flaw makes a form of an order bad. Exactly one of its three ways is used.
type flaw struct {
	Fault
	field   int                                // whose value is replaced by literal,
	literal string                             // JSON, or a CSV cell as it stands in the file;
	without bool                               // or which is left out;
	spoil   func(dst []byte, start int) []byte // or what is done to the finished bytes dst[start:]
}

// The places of the fields, in every form.
const (
	orderID = iota
	userID
	createdAt
	amount
	currency
	status
	email
	note
	fieldCount
)

var names = [fieldCount]string{"order_id", "user_id", "created_at", "amount", "currency", "status", "email", "note"}

// jsonFlaws leave it clear where the order ends, so that those behind it in the
// same array can be judged.
var jsonFlaws = []flaw{
	{Fault: Fault{"amount_boolean", "type", "/amount"}, field: amount, literal: `true`},
	{Fault: Fault{"amount_negative", "minimum", "/amount"}, field: amount, literal: `-12.50`},
	{Fault: Fault{"amount_three_places", "format", "/amount"}, field: amount, literal: `12.345`},
	{Fault: Fault{"amount_comma", "format", "/amount"}, field: amount, literal: `"12,50"`},
	{Fault: Fault{"amount_too_big", "format", "/amount"}, field: amount, literal: `12345678901.00`},
	{Fault: Fault{"user_missing", "required", ""}, field: userID, without: true},
	{Fault: Fault{"status_missing", "required", ""}, field: status, without: true},
	{Fault: Fault{"user_zero", "minimum", "/user_id"}, field: userID, literal: `0`},
	{Fault: Fault{"user_text", "type", "/user_id"}, field: userID, literal: `"17"`},
	{Fault: Fault{"order_fraction", "type", "/order_id"}, field: orderID, literal: `17.5`},
	{Fault: Fault{"order_too_big", "maximum", "/order_id"}, field: orderID, literal: `9223372036854775808`},
	{Fault: Fault{"currency_lower", "pattern", "/currency"}, field: currency, literal: `"eur"`},
	{Fault: Fault{"currency_long", "pattern", "/currency"}, field: currency, literal: `"EURO"`},
	{Fault: Fault{"date_impossible", "format", "/created_at"}, field: createdAt, literal: `"2026-02-30T10:00:00Z"`},
	{Fault: Fault{"date_local", "format", "/created_at"}, field: createdAt, literal: `"30.11.2026 10:00"`},
	{Fault: Fault{"status_unknown", "enum", "/status"}, field: status, literal: `"lost"`},
	{Fault: Fault{"email_long", "maxLength", "/email"}, field: email, literal: `"` + long + `"`},
	{Fault: Fault{"note_array", "type", "/note"}, field: note, literal: `["a","b"]`},
	{Fault: Fault{"note_not_utf8", "invalid_utf8", ""}, field: note, literal: "\"caf\xe9\""},
	{Fault: Fault{"extra_field", "additionalProperties", "/colour"}, spoil: func(dst []byte, _ int) []byte {
		return append(dst[:len(dst)-1], `,"colour":"blue"}`...)
	}},
	{Fault: Fault{"amount_twice", "duplicate_name", ""}, spoil: func(dst []byte, _ int) []byte {
		return append(dst[:len(dst)-1], `,"amount":0.01}`...)
	}},
	{Fault: Fault{"not_an_object", "not_object", ""}, spoil: func(dst []byte, start int) []byte {
		return append(dst[:start], `"order"`...)
	}},
}

// lineFlaws also take away the order's end, which only a line's end gives back.
var lineFlaws = append([]flaw{
	{Fault: Fault{"cut_short", "syntax", ""}, spoil: func(dst []byte, start int) []byte {
		return dst[:start+(len(dst)-start)*2/3]
	}},
	{Fault: Fault{"trailing_comma", "syntax", ""}, spoil: func(dst []byte, _ int) []byte {
		return append(dst[:len(dst)-1], ",}"...)
	}},
	{Fault: Fault{"amount_bare_word", "syntax", ""}, field: amount, literal: `NaN`},
}, jsonFlaws...)

var csvFlaws = []flaw{
	{Fault: Fault{"amount_word", "format", "/amount"}, field: amount, literal: `twelve`},
	{Fault: Fault{"amount_negative", "minimum", "/amount"}, field: amount, literal: `-12.50`},
	{Fault: Fault{"amount_three_places", "format", "/amount"}, field: amount, literal: `12.345`},
	{Fault: Fault{"amount_comma", "format", "/amount"}, field: amount, literal: `"12,50"`},
	{Fault: Fault{"user_zero", "minimum", "/user_id"}, field: userID, literal: `0`},
	{Fault: Fault{"user_word", "type", "/user_id"}, field: userID, literal: `nobody`},
	{Fault: Fault{"order_too_big", "maximum", "/order_id"}, field: orderID, literal: `9223372036854775808`},
	{Fault: Fault{"currency_lower", "pattern", "/currency"}, field: currency, literal: `eur`},
	{Fault: Fault{"date_impossible", "format", "/created_at"}, field: createdAt, literal: `2026-02-30T10:00:00Z`},
	{Fault: Fault{"status_unknown", "enum", "/status"}, field: status, literal: `lost`},
	{Fault: Fault{"email_long", "maxLength", "/email"}, field: email, literal: long},
	{Fault: Fault{"note_not_utf8", "invalid_utf8", ""}, field: note, literal: "caf\xe9"},
	{Fault: Fault{"cell_missing", "", ""}, field: note, without: true},
	{Fault: Fault{"cell_extra", "", ""}, spoil: func(dst []byte, _ int) []byte { return append(dst, ",blue"...) }},
}

// long is an address of 266 characters, where 254 are allowed.
var long = func() string {
	text := make([]byte, 0, 266)
	for len(text) < 254 {
		text = append(text, "abcdefgh"...)
	}
	return string(append(text[:254], "@example.com"...))
}()

// Fault returns what is wrong with the order in a form, and false for a good
// order. What is wrong differs between the forms, for not every form can be
// wrong in every way.
func (o *Order) Fault(f Form) (Fault, bool) {
	if w := o.flawIn(f); w != nil {
		return w.Fault, true
	}
	return Fault{}, false
}

func (o *Order) flawIn(f Form) *flaw {
	if !o.Bad {
		return nil
	}
	choice := jsonFlaws
	switch f {
	case NDJSON:
		choice = lineFlaws
	case CSV:
		choice = csvFlaws
	}
	return &choice[o.flaw%uint64(len(choice))]
}
