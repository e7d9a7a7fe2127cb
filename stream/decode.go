package stream

// codec is what decoding, deriving and encoding compiled from the fields.
type codec struct{}
