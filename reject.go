package penstock

import (
	"errors"
	"fmt"
	"strings"
)

// A Reject is an error that is the event's fault: why it was refused, said so
// that its sender can mend it.
type Reject struct {
	Code    string // a stable machine word, as "type", "required", "duplicate_name"
	Pointer string // JSON pointer to the place in the event; "" is the whole event
	Detail  string // what is wrong and what would be right, for people
	Offset  int64  // byte offset in the event as received, or -1 when there is none
}

// NewReject returns a reject without a byte offset.
func NewReject(code, pointer, format string, args ...any) *Reject {
	return &Reject{Code: code, Pointer: pointer, Detail: fmt.Sprintf(format, args...), Offset: -1}
}

// Error says it in one line.
func (r *Reject) Error() string {
	var b strings.Builder
	if r.Pointer != "" {
		b.WriteString(r.Pointer)
		b.WriteString(": ")
	}
	b.WriteString(r.Detail)
	b.WriteString(" (")
	b.WriteString(r.Code)
	if r.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", r.Offset)
	}
	b.WriteByte(')')
	return b.String()
}

// AsReject returns the Reject in err's tree, or nil when err is the world's
// fault.
func AsReject(err error) *Reject {
	var r *Reject
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// A Refusal is what a Sink returns when it refuses a batch for good but cannot
// tell which of its events is at fault. None of the refused events is settled.
type Refusal struct {
	Why *Reject
}

// Error says why the batch was refused.
func (r *Refusal) Error() string { return "batch refused: " + r.Why.Error() }
