package stream

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-io/penstock"
)

// A Read is one way in which the stream's table may be read by HTTP, as the
// stream file declares it: a user's own rows, newest first, page by page.
type Read struct {
	Path    string // /v1/users/{user_id}/orders
	Me      string // /v1/me/orders: the same for whoever asks
	By      int    // slot of whose rows they are
	Tenant  int    // slot of the tenant they belong to, -1 for none
	Newest  int    // slot of the time they are sorted by
	Columns []int  // slots that are shown, in their order; nothing else is ever read
	Filter  []int  // slots that a request may ask one value of
}

// A Page is what a request asks of a Read, all of it typed and checked: no text
// of a request comes nearer to SQL than this.
type Page struct {
	User, Tenant penstock.Value
	From, To     penstock.Value // of kind Time: Newest at or after From, and before To; absent for no bound
	Filter       penstock.Value // of the slot FilterSlot; Absent for all
	FilterSlot   int
	After        []penstock.Value // where the page before ended: Newest, then the primary key; nil for the first
	Limit        int              // rows at most
}

// Rows reads a page's rows: for each the Columns, then Newest and the primary
// key, in the types of their fields. Package postgres and package sqlite do so.
// An error with ErrRow in it is that of a row, and comes again however often it
// is asked; any other may pass.
type Rows func(ctx context.Context, r *Read, p Page) ([][]penstock.Value, error)

// ErrRow is in the error of Rows when a row holds what no answer can show.
var ErrRow = errors.New("a row of the page cannot be shown")

// ShownTime is the value of a time that stands in a table. RFC 3339 has the years
// 0 to 9999; a column may hold others if somebody else has written it.
func ShownTime(t time.Time) (penstock.Value, error) {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return penstock.Value{}, fmt.Errorf("%w: its time is in the year %d; give it one of the years 0 to 9999", ErrRow, year)
	}
	return penstock.TimeValue(t), nil
}

// FoundBy lists the slots by whose values a request finds its rows, the tenant
// first: once without a filter, and once for each filter. An index of each, the
// primary key's order behind it, makes all pages cost the same.
func (r *Read) FoundBy() [][]int {
	var always []int
	if r.Tenant >= 0 {
		always = append(always, r.Tenant)
	}
	always = append(always, r.By)
	all := [][]int{always}
	for _, slot := range r.Filter {
		all = append(all, append(slices.Clone(always), slot))
	}
	return all
}

var readPath = regexp.MustCompile(`^/v1/users/\{([a-z][a-z0-9_]*)\}/([a-z][a-z0-9_-]*)$`)

const (
	readExample = `reads: [{path: "/v1/users/{user_id}/orders", by: user_id, newest_first: created_at, columns: [order_id, created_at]}]`
	readsMax    = 20
)

// compileReads reads the list of reads.
func (s *Stream) compileReads(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 || len(node.Content) > readsMax {
		return lineError(node, "reads is a list of 1 to %d; write %s", readsMax, readExample)
	}
	var wrong []error
	for _, item := range node.Content {
		r, err := s.compileRead(item)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, other := range s.Reads {
			if other.Path == r.Path {
				wrong = append(wrong, lineError(item, "the path %s is read already; give each its own", r.Path))
			}
		}
		s.Reads = append(s.Reads, r)
	}
	return errors.Join(wrong...)
}

func (s *Stream) compileRead(node *yaml.Node) (*Read, error) {
	keys, err := keyed(node, "a read", "path", "by", "tenant", "newest_first", "columns", "filter")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"path", "by", "newest_first", "columns"} {
		if _, ok := keys[name]; !ok {
			return nil, lineError(node, "the read lacks %s; write %s", name, readExample)
		}
	}
	r := &Read{Tenant: -1}
	if r.By, err = s.requiredSlot(keys["by"].value, "by", "by: user_id"); err != nil {
		return nil, err
	}
	if e, ok := keys["tenant"]; ok {
		if r.Tenant, err = s.requiredSlot(e.value, "tenant", "tenant: tenant_id"); err != nil {
			return nil, err
		}
	}
	if r.Newest, err = s.requiredSlot(keys["newest_first"].value, "newest_first", "newest_first: created_at"); err != nil {
		return nil, err
	}
	if s.Fields[r.Newest].Type != Time {
		return nil, lineError(keys["newest_first"].value, "newest_first names %s, which holds %s; name a field with format: date-time",
			s.Fields[r.Newest].Name, s.Fields[r.Newest].Type)
	}
	if err := s.compileReadPath(keys["path"].value, r); err != nil {
		return nil, err
	}
	return r, s.compileReadColumns(keys, r)
}

// requiredSlot resolves a field that every event has: what rows are found or
// sorted by is never missing, or they would be skipped in silence.
func (s *Stream) requiredSlot(node *yaml.Node, what, example string) (int, error) {
	slot, err := s.slotAt(node, what, example)
	if err != nil {
		return -1, err
	}
	if slot >= s.Declared || !s.checks[slot].required || s.checks[slot].types&typeNull != 0 {
		return -1, lineError(node, "%s names %s, which an event may lack; name a field that the schema requires and that is never null", what, s.Fields[slot].Name)
	}
	switch s.Fields[slot].Type {
	case Int, Text, Time:
		return slot, nil
	}
	return -1, lineError(node, "%s names %s, which holds %s; name an integer, a text or a time", what, s.Fields[slot].Name, s.Fields[slot].Type)
}

func (s *Stream) compileReadPath(node *yaml.Node, r *Read) error {
	path, err := text(node, "path", "path: /v1/users/{user_id}/orders")
	if err != nil {
		return err
	}
	parts := readPath.FindStringSubmatch(path)
	if parts == nil || parts[1] != s.Fields[r.By].Name {
		return lineError(node, "the path %q is none that can be read at; write /v1/users/{%s}/NAME, with the field of by in braces", cut(path), s.Fields[r.By].Name)
	}
	r.Path, r.Me = path, "/v1/me/"+parts[2]
	return nil
}

func (s *Stream) compileReadColumns(keys map[string]entry, r *Read) (err error) {
	list, err := names(keys["columns"].value, "columns", "columns: [order_id, created_at]")
	if err != nil {
		return err
	}
	for _, item := range list {
		name, err := text(item, "columns", "columns: [order_id, created_at]")
		if err != nil {
			return err
		}
		slot := s.slot(name)
		if slot < 0 {
			return lineError(item, "columns names %q, which is no field of the stream; %s", cut(name), meant(name, s.fieldNames()))
		}
		r.Columns = append(r.Columns, slot)
	}
	if len(s.Table.PrimaryKey) == 0 {
		return lineError(keys["columns"].key, "the table has no primary key, so its pages have no order; write table: {primary_key: [order_id]}")
	}
	e, ok := keys["filter"]
	if !ok {
		return nil
	}
	if r.Filter, err = s.slots(e.value, "filter", "filter: status"); err != nil {
		return err
	}
	for _, slot := range r.Filter {
		if slot >= s.Declared || s.checks[slot].enum == nil || s.Fields[slot].Type != Text {
			return lineError(e.value, "filter names %s, which may have any value; name a field whose schema lists its texts in enum", s.Fields[slot].Name)
		}
	}
	return nil
}

// ReadCell reads text of a request as a value of the declared field at slot
// that the schema admits. ok is false for anything else.
func (s *Stream) ReadCell(slot int, text string) (v penstock.Value, ok bool) {
	v, err := s.NewDecoder().Cell(slot, []byte(text))
	beyond := s.Fields[slot].Type == Int && v.Kind != penstock.Int // what no bigint holds
	if err != nil || v.Missing() || beyond || s.checks[slot].judge(&v) != fine {
		return penstock.Value{}, false
	}
	return v, true
}

// ReadParameters are the names of a Read's two bounds in time: created_at has
// created_after and created_before.
func (s *Stream) ReadParameters(r *Read) (after, before string) {
	name := strings.TrimSuffix(s.Fields[r.Newest].Name, "_at")
	return name + "_after", name + "_before"
}
