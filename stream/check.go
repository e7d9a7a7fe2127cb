package stream

// rules are the stream's checks, compiled.
type rules struct{}
