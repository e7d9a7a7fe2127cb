package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Route says what becomes of the objects of a place.
type Route struct {
	From   Place
	Stream *stream.Stream

	// Into is the sink of one batch, which is named by the chunk: the rules of
	// the stream and the table behind them. It is called again for the same
	// chunk when the batch is read again.
	Into func(penstock.Chunk) penstock.Sink

	// Table is what the table behind Into is told from any other by, also from
	// one of the same name: an object that was begun on one table is given up on
	// another, which has not what was written before. Nil is that it is always
	// the same.
	Table func(ctx context.Context) (string, error)
}

// Options say where a Door reads and writes. Store, Ledger, Routes and Rejects
// are required.
type Options struct {
	Store   Store
	Ledger  Ledger
	Routes  []Route // the first that holds an object takes it
	Rejects Place   // must lie outside all routes

	// Formats are ways to write records beside JSON lines and JSON arrays, by
	// name; csv is tried on text that is neither.
	Formats map[string]Format

	// Continue starts another invocation with this payload, which goes on with
	// an object. Without it an invocation that runs out of time fails, and goes
	// on when its notice comes again.
	Continue func(ctx context.Context, payload []byte) error

	// Margin is how long before its deadline an invocation hands over; 0 means
	// 10 s. It must be longer than a batch takes.
	Margin time.Duration

	// BatchBytes is how much text is written between two entries of the ledger;
	// 0 means 1 MiB, the most. A batch must be written within Margin, so give a
	// table that is slow less. An object that has been begun keeps the size it
	// was begun with, so that its rejects are written over themselves; only one
	// that was given up for getting no further takes the new one, and may then
	// have a reject twice, told by object and record.
	BatchBytes int

	// Lease is how long an object stays with a worker that no longer says
	// anything; 0 means 20 s.
	Lease time.Duration

	// HopsMax is how many invocations may work on one object; 0 means 1000. Two
	// that get no byte further end it in any case.
	HopsMax int

	// RejectRatioMax is the share of an object's records, above 0 and up to 1,
	// that may be rejected before it is given up as being something else; 0 means
	// 0.5, and 1 that it never is. It is held against all records so far behind
	// each batch, once they are 100: an object of fewer is never given up for it.
	RejectRatioMax float64

	// Report is told what became of each object, once an invocation is done with it.
	Report func(Report)

	Log *slog.Logger // nil is no log
}

// A Report is what an invocation did for one notice.
type Report struct {
	Notice   Notice
	Outcome  Outcome
	Progress Progress       // as the ledger has it
	Tally    penstock.Tally // of this invocation alone
	Took     time.Duration
	Err      error // why it failed
}

// Outcome is what became of a notice in one invocation.
type Outcome string

// The outcomes.
const (
	Loaded      Outcome = "loaded"       // the object is done
	Already     Outcome = "already_done" // it was before
	HandedOver  Outcome = "handed_over"  // another invocation goes on
	WasReplaced Outcome = "superseded"   // gone, overwritten, or older than what is there
	Ignored     Outcome = "ignored"      // nothing to read: a test, a removal, a folder, no route
	Poison      Outcome = "poison"       // the notice itself is bad, and is kept with the rejects
	Failure     Outcome = "failed"       // see the error
)

// A Door works on the objects that notices name. Its methods may be called from
// many goroutines.
type Door struct {
	o   Options
	log *slog.Logger
}

// New checks the options.
func New(o Options) (*Door, error) {
	if o.Rejects.Bucket == "" {
		return nil, errors.New("s3: there is no place for rejects; name a bucket, and a prefix if it holds other things")
	}
	for _, r := range o.Routes {
		if r.From.Bucket == o.Rejects.Bucket && (strings.HasPrefix(o.Rejects.Prefix, r.From.Prefix) || strings.HasPrefix(r.From.Prefix, o.Rejects.Prefix)) {
			return nil, fmt.Errorf("s3: the rejects in s3://%s/%s lie where stream %s is read from, s3://%s/%s: "+
				"each reject would be read again; give them a prefix of their own",
				o.Rejects.Bucket, o.Rejects.Prefix, r.Stream.Name, r.From.Bucket, r.From.Prefix)
		}
	}
	if o.Margin == 0 {
		o.Margin = 10 * time.Second
	}
	if o.BatchBytes <= 0 || o.BatchBytes > batchBytesMax {
		o.BatchBytes = batchBytesMax
	}
	if o.Lease == 0 {
		o.Lease = 20 * time.Second
	}
	if o.HopsMax == 0 {
		o.HopsMax = 1000
	}
	if o.RejectRatioMax == 0 {
		o.RejectRatioMax = 0.5
	}
	switch {
	case o.Margin < 0 || o.Lease < 0 || o.HopsMax < 0:
		return nil, fmt.Errorf("s3: margin %v, lease %v, %d invocations: none can be below 0", o.Margin, o.Lease, o.HopsMax)
	case !(o.RejectRatioMax > 0 && o.RejectRatioMax <= 1): // nor NaN
		return nil, fmt.Errorf("s3: %v is no share of records that may be rejected: give one above 0, up to 1", o.RejectRatioMax)
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	d := &Door{o: o, log: o.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

// Handle works on all notices of a payload, one after the other, and returns
// what the invocation is to answer. A notice that fails does not keep the
// others from being worked on. With SQS the answer names the messages that are
// to come again; else the error says that the whole payload is, of which what
// is done by then costs next to nothing.
func (d *Door) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	delivery := Decode(payload)
	var errs []error
	again := []failedItem{}
	for _, n := range delivery.Notices {
		_, err := d.Process(ctx, n)
		if err == nil {
			continue
		}
		errs = append(errs, err)
		if id := (failedItem{n.Message}); n.Message != "" && (len(again) == 0 || again[len(again)-1] != id) {
			again = append(again, id)
		}
	}
	if delivery.Wrapping == SQS {
		return json.Marshal(map[string][]failedItem{"batchItemFailures": again})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return []byte("null"), nil
}

// A failedItem is a message that SQS is to deliver again.
type failedItem struct {
	ID string `json:"itemIdentifier"`
}

// Process works on one notice, as far as the context's deadline allows. An error
// says that the notice must come again.
func (d *Door) Process(ctx context.Context, n Notice) (Report, error) {
	start := time.Now()
	r := Report{Notice: n}
	r.Err = d.process(ctx, &r)
	r.Took = time.Since(start)
	if r.Err != nil {
		r.Outcome = Failure
		d.log.Error("object failed", "object", n.Object.String(), "err", r.Err)
	} else {
		d.log.Info("object", "object", n.Object.String(), "outcome", string(r.Outcome), "tally", r.Tally.String(), "why", r.Progress.Why)
	}
	d.o.Report(r)
	return r, r.Err
}

func (d *Door) process(ctx context.Context, r *Report) error {
	n := r.Notice
	if n.Fault != nil {
		r.Outcome = Poison
		return d.bury(ctx, n)
	}
	route := d.route(n.Object)
	if n.Action != Created || route == nil || strings.HasSuffix(n.Object.Key, "/") && n.Size <= 0 {
		r.Outcome = Ignored
		return nil
	}
	pinned, size, err := d.o.Store.Stat(ctx, n.Object)
	if errors.Is(err, ErrGone) {
		r.Outcome = WasReplaced
		return nil
	}
	if err != nil {
		return err
	}
	n.Object = pinned
	l, there, err := d.acquire(ctx, n, size)
	if err != nil {
		return err
	}
	if l == nil {
		r.Progress, r.Outcome = there, Already
		if there.State == Superseded {
			r.Outcome = WasReplaced
		}
		return nil
	}
	return d.work(ctx, l, route, r)
}

func (d *Door) route(o Object) *Route {
	for i := range d.o.Routes {
		if d.o.Routes[i].From.holds(o.Bucket, o.Key) {
			return &d.o.Routes[i]
		}
	}
	return nil
}

// bury keeps a notice that nobody can act on with the rejects: trying it again
// would hold up what comes behind it, and give the same.
func (d *Door) bury(ctx context.Context, n Notice) error {
	sum := sha256.Sum256([]byte(n.Fault.Detail))
	line, err := json.Marshal(struct {
		Notice Notice
		Code   string
		Detail string
	}{n, n.Fault.Code, n.Fault.Detail})
	if err != nil {
		return err
	}
	key := d.o.Rejects.Prefix + "notices/" + hex.EncodeToString(sum[:16]) + ".json"
	return d.o.Store.Put(ctx, d.o.Rejects.Bucket, key, line)
}

// Status is what the ledger has of a key; false when that is nothing.
func (d *Door) Status(ctx context.Context, bucket, key string) (Progress, bool, error) {
	p, version, err := d.load(ctx, Object{Bucket: bucket, Key: key}.name())
	return p, version > 0, err
}

// Notice is of an object as it is now. Its error says when no stream reads it.
func (d *Door) Notice(ctx context.Context, bucket, key string) (Notice, error) {
	o := Object{Bucket: bucket, Key: key}
	if d.route(o) == nil {
		return Notice{}, fmt.Errorf("s3: %v lies where no stream is read from", o)
	}
	pinned, size, err := d.o.Store.Stat(ctx, o)
	return Notice{Object: pinned, Size: size, Action: Created}, err
}

// Reopen has the next notice of a key's object begin it anew, when it is done or
// given up, or the ledger's entry of it is damaged. Its rows are then written over
// themselves. One that is in work, or waits to go on, is left alone.
func (d *Door) Reopen(ctx context.Context, bucket, key string) error {
	o := Object{Bucket: bucket, Key: key}
	l := &lease{door: d, name: o.name()}
	p, version, err := d.load(ctx, l.name)
	switch {
	case errors.Is(err, ErrDamaged):
		p = Progress{Object: o}
	case err != nil:
		return err
	case version == 0 || p.State == Running:
		return nil
	}
	p.State, p.Why, p.Reading = Failed, "to be read again", time.Now().UnixMilli()
	l.progress, l.version = p, version
	return l.write(ctx)
}

// setRaw keeps bytes as text where they are text.
func setRaw(line *RejectLine, raw []byte) {
	if utf8.Valid(raw) {
		line.Raw = string(raw)
		return
	}
	line.Bytes = raw
}
