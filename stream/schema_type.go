package stream

var fieldTypeNames = [...]string{"any value", "a boolean", "an integer", "a decimal", "a number", "a time", "text", "an object or array"}

// String says what the type holds, as messages do.
func (t Type) String() string { return fieldTypeNames[t] }
