package stats

import (
	"errors"
	"fmt"
)

// Errors to branch on with errors.Is.
var (
	// ErrEmpty says that there are no values, so that no statistic exists.
	ErrEmpty = errors.New("no values")
	// ErrAllOmitted says that all values were NaN and left out; it is an ErrEmpty.
	ErrAllOmitted = fmt.Errorf("%w: all were NaN and left out", ErrEmpty)
	// ErrNaN says that a value is NaN: see NaNError.
	ErrNaN = errors.New("value is NaN")
	// ErrIncompatible says that two accumulators have different options.
	ErrIncompatible = errors.New("accumulators have different options")
	// ErrTooMany says that two accumulators have more than 2^63 values together.
	ErrTooMany = errors.New("more than 2^63 values")
	// ErrBadOption says that a field of Options is out of its range.
	ErrBadOption = errors.New("bad option")
	// ErrBadState says that bytes are not an accumulator's binary form.
	ErrBadState = errors.New("not the binary form of an accumulator")
)

// A NaNError says where the values have a NaN that Options does not allow.
// It is an ErrNaN.
type NaNError struct {
	Index int    // of the first NaN, from 0; -1 from an Accumulator, which keeps no order
	Count uint64 // how many there are
}

// Error says where, how many, and what can be done.
func (e *NaNError) Error() string {
	const advice = "leave NaNs out with OmitNaN, or let them through with PropagateNaN"
	if e.Index < 0 {
		return fmt.Sprintf("%d values are NaN: %s", e.Count, advice)
	}
	return fmt.Sprintf("value %d is NaN (%d in all): %s", e.Index, e.Count, advice)
}

// Is reports whether target is ErrNaN.
func (e *NaNError) Is(target error) bool { return target == ErrNaN }
