package enrich

import (
	"context"
	"fmt"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A lookup is one declared look-up with its source.
type lookup struct {
	declared stream.Lookup
	pointer  string // to the matched field
	source   source
	counts   counts
}

// A source answers questions about a value.
type source interface {
	// answer puts what is known about v into the slots of values that the
	// look-up adds, and reports whether anything is. Without an answer it
	// leaves values alone. An answer from memory is counted in c.
	answer(ctx context.Context, v penstock.Value, values []penstock.Value, c *counts) (bool, error)
	entries() int
}

// run looks one event up and counts its outcome in c. It sets every slot it
// adds, whatever the outcome, so that a second run gives the same event.
func (l *lookup) run(ctx context.Context, e *penstock.Event, c *counts) error {
	v := e.Values[l.declared.Match]
	if v.Missing() {
		return l.missing(e, v, c)
	}
	question := v
	if v.Kind == penstock.Number {
		question.Bytes = stream.AppendPlain(nil, &v)
	}
	found, err := l.source.answer(ctx, question, e.Values, c)
	if err != nil {
		return l.failed(ctx, e, err, c)
	}
	if !found {
		return l.missing(e, v, c)
	}
	return nil
}

// missing applies the policy for a question without an answer.
func (l *lookup) missing(e *penstock.Event, v penstock.Value, c *counts) error {
	c.missing.Add(1)
	for _, a := range l.declared.Add {
		e.Values[a.Slot] = penstock.Value{}
		if l.declared.Missing == stream.PolicyDefault {
			e.Values[a.Slot] = a.Default
		}
	}
	if l.declared.Missing != stream.PolicyReject {
		return nil
	}
	if v.Missing() {
		return penstock.NewReject("lookup_missing", l.pointer, "has no value, which the look-up %s needs", l.declared.Name)
	}
	return penstock.NewReject("lookup_missing", l.pointer, "%q is not known to the look-up %s", excerpt(v), l.declared.Name)
}

// failed applies the policy for a source that cannot be asked. A caller that
// goes away is no such source: passing its event on without the fields, or
// rejecting it, would be a verdict that the same event would not get again.
func (l *lookup) failed(ctx context.Context, e *penstock.Event, err error, c *counts) error {
	if ctx.Err() != nil {
		return fmt.Errorf("look-up %s: %w", l.declared.Name, ctx.Err())
	}
	c.errors.Add(1)
	for _, a := range l.declared.Add {
		e.Values[a.Slot] = penstock.Value{}
	}
	switch l.declared.OnError {
	case stream.PolicyPass:
		return nil
	case stream.PolicyReject:
		// The sender is not told how the source failed: that may name hosts.
		return penstock.NewReject("lookup", l.pointer, "the look-up %s could not be asked; send the event again later", l.declared.Name)
	}
	return fmt.Errorf("look-up %s: %w", l.declared.Name, err)
}

// excerpt is v for a message, cut to a length that a message bears.
func excerpt(v penstock.Value) string {
	const longest = 64
	text := v.String()
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}
