// Package dynamo puts a stream's events into a DynamoDB table by
// BatchWriteItem, done right: no item is lost to UnprocessedItems, none is
// settled before DynamoDB has it, and no two of one key race.
//
//	table, err := dynamo.Open(ctx, dynamodb.New(...), dynamo.Options{Stream: s, Table: "orders"})
//	err = penstock.Retry{To: penstock.DeadLetters{To: table, Letters: rejects}}.Write(ctx, batch)
//
// BatchWriteItem takes 25 items and 16 MB, refuses a batch in which a key
// stands twice, and answers 200 with the items it did not write. So a Write
// takes the last event of each key, sends batches of 25 side by side, settles
// what came through, and sends the rest again with full jitter, at a
// concurrency that halves when the table is throttled and grows when it is not.
//
// An item's key comes from the event alone, so writing a batch again writes
// the same items over themselves.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock/stream"
)

// The limits of BatchWriteItem, by Amazon's documentation.
const (
	ItemsMax     = 25        // items of one request
	RequestBytes = 16 << 20  // of one request
	ItemBytes    = 400 << 10 // of one item: names and values
)

// Mode is what becomes of an event whose item is in the table.
type Mode uint8

// The modes. The zero Mode writes items in batches; the others put each by
// itself under a condition, which takes about 25 times as many requests.
const (
	Put       Mode = iota // the event written last stays
	Insert                // the newcomer is refused with code unique, unless it is the very event that is there
	NewerWins             // of two items the one with the later time stays, and the other is dropped
)

var modeNames = [...]string{"put", "insert", "newer-wins"}

// String is the mode's name in configuration.
func (m Mode) String() string { return modeNames[m] }

// ParseMode reads a mode's name.
func ParseMode(name string) (Mode, error) {
	if i := slices.Index(modeNames[:], name); i >= 0 {
		return Mode(i), nil
	}
	return Put, fmt.Errorf("there is no mode %q of a table; write %s", name, strings.Join(modeNames[:], ", "))
}

// RowID is the key attribute for streams without an identity, and for tables
// that want one key for everything: the event's identity if it has one, else a
// hash of its door and position. It is a string.
const RowID = "penstock_id"

// The attributes that the modes Insert and NewerWins add to an item.
const (
	originName = "penstock_origin" // which event this is
	timeName   = "penstock_time"   // seconds since 1970
)

// Options say what is written and how. Only Stream is required.
type Options struct {
	Stream *stream.Stream
	Table  string // "" means the stream's own table
	Mode   Mode

	// Concurrency is how many requests of this Table run at once at most, over
	// all Writes; 0 means 8. A throttled table gets fewer.
	Concurrency int

	// Patience is how long a batch is sent again without any item of it coming
	// through until Write gives up and leaves it pending; 0 means 30 s.
	Patience time.Duration

	// Log is told when the table begins to be throttled; nil is no log.
	Log *slog.Logger
}

// A Table is a stream's table in DynamoDB. It is a Sink, for many goroutines.
type Table struct {
	o      Options
	client *dynamodb.Client
	log    *slog.Logger
	fields []attribute
	keys   []key
	pace   *pace
}

// An attribute is one column of the stream.
type attribute struct {
	name string
	slot int
}

// A key is one attribute of the table's primary key.
type key struct {
	name string
	slot int // -1 for RowID
	kind types.ScalarAttributeType
}

// Open looks at the table's key and checks that the stream's events have it.
// The table must be there; nothing is made.
func Open(ctx context.Context, client *dynamodb.Client, o Options) (*Table, error) {
	if o.Concurrency < 0 || o.Concurrency > 1000 {
		return nil, fmt.Errorf("dynamo: %d requests at once cannot be had; give 1 to 1000, or 0 for 8", o.Concurrency)
	}
	if o.Concurrency == 0 {
		o.Concurrency = 8
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.Table == "" {
		o.Table = o.Stream.Table.Name
	}
	t := &Table{o: o, client: client, log: o.Log, pace: newPace(o.Concurrency)}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	for _, c := range o.Stream.Columns() {
		t.fields = append(t.fields, attribute{c.Name, c.Slot})
	}
	if o.Mode == NewerWins && o.Stream.Time < 0 {
		return nil, fmt.Errorf("dynamo: mode newer-wins needs a time, and stream %s declares none", o.Stream.Name)
	}
	there, err := t.describe(ctx, min(o.Patience, openPatience))
	if err != nil {
		return nil, err
	}
	if err := t.match(there); err != nil {
		return nil, fmt.Errorf("dynamo: table %s: %w", o.Table, err)
	}
	return t, nil
}

// openPatience is how long Open asks a throttled DynamoDB at most: who waits for
// it should be told.
const openPatience = 30 * time.Second

// lookAttempts is how often the table is looked at through a fault that passes
// and is no throttling: within some three seconds.
const lookAttempts = 8

// ID is DynamoDB's own name of the table, which no other has: one that was
// deleted and made anew, or restored from a copy, has another. DynamoDB Local,
// which gives none, at least says when the table was made. One that was made anew
// with another key is an error: DynamoDB would refuse each item, as if it were the
// events' fault.
func (t *Table) ID(ctx context.Context) (string, error) {
	there, err := t.describe(ctx, t.o.Patience)
	if err != nil {
		return "", err
	}
	now := &Table{o: t.o, fields: t.fields}
	if err := now.match(there); err != nil || !slices.Equal(now.keys, t.keys) {
		return "", fmt.Errorf("dynamo: table %s was made anew with another key since this process opened it: start the process anew", t.o.Table)
	}
	if id := aws.ToString(there.TableId); id != "" || there.CreationDateTime == nil {
		return id, nil
	}
	return there.CreationDateTime.UTC().Format(time.RFC3339Nano), nil
}

// describe looks at the table. DynamoDB is asked again while it throttles, for as
// long as patience.
func (t *Table) describe(ctx context.Context, patience time.Duration) (*types.TableDescription, error) {
	since := time.Now()
	for attempt := 1; ; attempt++ {
		there, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.o.Table}, once)
		if err == nil {
			return there.Table, nil
		}
		kind := classify(err)
		again := kind == throttled && time.Since(since) < patience || kind == passing && attempt < lookAttempts
		if !again || wait(ctx, jitter(attempt)) != nil {
			return nil, fmt.Errorf("dynamo: look at table %s: %w", t.o.Table, explained(err))
		}
	}
}

// CheckKey reports what is wrong with a table whose partition key has the name
// and the type S, N or B, as Open would, but before there is a table.
func CheckKey(s *stream.Stream, name, kind string, mode Mode) error {
	if mode == NewerWins && s.Time < 0 {
		return fmt.Errorf("dynamo: mode newer-wins needs a time, and stream %s declares none", s.Name)
	}
	t := &Table{o: Options{Stream: s}}
	for _, c := range s.Columns() {
		t.fields = append(t.fields, attribute{c.Name, c.Slot})
	}
	k := key{name: name, slot: -1, kind: types.ScalarAttributeType(kind)}
	err := t.source(&k)
	if t.keys = []key{k}; err == nil {
		err = t.apart()
	}
	if err != nil {
		return fmt.Errorf("dynamo: %w", err)
	}
	return nil
}

// match finds where the attributes of the table's key come from.
func (t *Table) match(there *types.TableDescription) error {
	for _, element := range there.KeySchema {
		k := key{name: aws.ToString(element.AttributeName), slot: -1}
		for _, d := range there.AttributeDefinitions {
			if aws.ToString(d.AttributeName) == k.name {
				k.kind = d.AttributeType
			}
		}
		if err := t.source(&k); err != nil {
			return err
		}
		t.keys = append(t.keys, k)
	}
	if len(t.keys) == 0 {
		return errors.New("it has no key")
	}
	return t.apart()
}

// apart refuses a key that two events may share which are not the same to their
// stream: one would be written over the other, and both be told as written.
func (t *Table) apart() error {
	has := func(slot int) bool { return slices.ContainsFunc(t.keys, func(k key) bool { return k.slot == slot }) }
	if has(-1) {
		return nil // RowID
	}
	s := t.o.Stream
	if len(s.Table.PrimaryKey) == 0 {
		return fmt.Errorf("stream %s has neither id nor table.primary_key, so any two of its events may have one key; declare one of them in the stream file, or name the key %s", s.Name, RowID)
	}
	for _, slot := range s.Table.PrimaryKey {
		if !has(slot) {
			return fmt.Errorf("its key has no %s, by which stream %s tells its rows apart: rows of one key would be written over one another; make %[1]s the key or a part of it, "+
				"name the key %[3]s, or declare table: {primary_key: …} in the stream file", s.Fields[slot].Name, s.Name, RowID)
		}
	}
	return nil
}

func (t *Table) source(k *key) error {
	if k.name == RowID {
		if k.kind != types.ScalarAttributeTypeS {
			return fmt.Errorf("its key attribute %s must be a string (S), but is %s", k.name, k.kind)
		}
		return nil
	}
	i := slices.IndexFunc(t.fields, func(a attribute) bool { return a.name == k.name })
	if i < 0 {
		return fmt.Errorf("its key attribute %s is no field of stream %s; make the key of fields, or name it %s", k.name, t.o.Stream.Name, RowID)
	}
	k.slot = t.fields[i].slot
	switch typ := t.o.Stream.Fields[k.slot].Type; {
	case typ == stream.Bool || k.kind == types.ScalarAttributeTypeB,
		(typ == stream.Text || typ == stream.Time || typ == stream.JSON) && k.kind == types.ScalarAttributeTypeN,
		(typ == stream.Int || typ == stream.Decimal || typ == stream.Number) && k.kind == types.ScalarAttributeTypeS:
		return fmt.Errorf("its key attribute %s is %s, but the field is %v", k.name, k.kind, typ)
	}
	return nil
}
