package s3

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
)

// Wrapping is how notices came.
type Wrapping uint8

// The wrappings. Within SQS there may be any of the others.
const (
	Direct Wrapping = iota
	SQS
	SNS
	EventBridge
	Continuation // the door's own call to itself
)

// Action is what a notice says of its object.
type Action uint8

// The actions.
const (
	Created Action = iota
	Removed        // by its owner, a lifecycle rule, or with a delete marker
	Test           // S3 tries whether its notices arrive
	Other          // tags, access lists, restores, replication: nothing to read
)

// An Object names one version of one object.
type Object struct {
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"` // "" where the bucket keeps no versions
	ETag    string `json:"etag,omitempty"`    // without quotes
}

// String is the object as an address, for messages and as the events' door.
func (o Object) String() string {
	s := "s3://" + o.Bucket + "/" + o.Key
	switch {
	case o.Version != "":
		return s + "?versionId=" + o.Version
	case o.ETag != "":
		return s + "?etag=" + o.ETag
	}
	return s
}

// A Notice tells that something happened to an object.
type Notice struct {
	Object    Object    `json:"object"`
	Size      int64     `json:"size"` // -1 when the notice does not say
	Action    Action    `json:"-"`
	Name      string    `json:"-"`         // of the event, as its maker calls it
	Sequencer string    `json:"sequencer"` // orders the notices of one key: hexadecimal, of equal length once padded
	Time      time.Time `json:"time"`

	// Message is the id of the SQS message that brought the notice, "" when
	// none did. No other id may ever be given back to SQS.
	Message string `json:"-"`

	// Fault is what is wrong with the notice itself; its other fields hold what
	// could be read. The notices beside it are not touched by it.
	Fault *penstock.Reject `json:"-"`

	// Hop is how many invocations have worked on the object before. A notice that
	// has any goes on with what was begun, and never begins anew what failed.
	Hop int `json:"hop"`
}

// A Delivery is the payload of one invocation, decoded.
type Delivery struct {
	Wrapping Wrapping
	Notices  []Notice
}

// The codes of faults in notices.
const (
	CodePayload = "payload" // it is nothing that S3 or what carries it for S3 sends
	CodeKey     = "key"     // its key is no form-encoded text, or is missing
)

// Decode reads the payload of an invocation: a notice of S3 itself, or one that
// came by SQS, SNS or EventBridge, in any of their combinations, and the door's
// own continuation. What is wrong with one notice is that notice's fault. Only
// a payload that is none of these at all gives no notice but one with a fault.
func Decode(payload []byte) Delivery {
	var d Delivery
	d.unwrap(payload, "", 0)
	return d
}

// wrappingsMax is how many wrappings may lie in one another: SQS, SNS,
// EventBridge, and one more than anyone has seen.
const wrappingsMax = 4

// envelope has the members that tell the wrappings apart.
type envelope struct {
	Records json.RawMessage

	// SNS as it comes by SQS or HTTP, and S3's test event.
	Type, TopicArn, Message string
	Service, Event, Bucket  string

	// EventBridge.
	DetailType string
	Source     string
	Time       string
	Detail     json.RawMessage

	Continue *Notice
}

// read decodes the members by their exact names: encoding/json would take them
// in any case, and a member records beside Records would win.
func (e *envelope) read(text []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return false
	}
	str := func(name string) (s string) {
		_ = json.Unmarshal(members[name], &s) // no string: as if it were not there
		return s
	}
	*e = envelope{
		Records: members["Records"], Type: str("Type"), TopicArn: str("TopicArn"), Message: str("Message"),
		Service: str("Service"), Event: str("Event"), Bucket: str("Bucket"),
		DetailType: str("detail-type"), Source: str("source"), Time: str("time"), Detail: members["detail"],
	}
	if text := members[continueMember]; text != nil {
		e.Continue = &Notice{}
		return json.Unmarshal(text, e.Continue) == nil
	}
	return true
}

// continueMember holds the notice that the door sends to itself.
const continueMember = "penstock_continue"

// Payload is what the door sends to itself to go on with the notice's object.
func (n Notice) Payload() ([]byte, error) {
	return json.Marshal(map[string]Notice{continueMember: n})
}

func (d *Delivery) unwrap(text []byte, message string, depth int) {
	var e envelope
	outermost := func(w Wrapping) {
		if depth == 0 {
			d.Wrapping = w
		}
	}
	switch ok := e.read(text); {
	case !ok || depth > wrappingsMax:
		d.fault(message, "the payload is not a JSON object that S3, SQS, SNS or EventBridge sends: %.200s", text)
	case e.Continue != nil && depth == 0:
		outermost(Continuation)
		d.Notices = append(d.Notices, *e.Continue)
	case e.Records != nil:
		d.records(e.Records, message, depth)
	case e.Event == "s3:TestEvent":
		d.Notices = append(d.Notices, Notice{Object: Object{Bucket: e.Bucket}, Size: -1, Action: Test, Name: e.Event, Message: message})
	case e.Type == "Notification" && e.TopicArn != "":
		outermost(SNS)
		d.unwrap([]byte(e.Message), message, depth+1)
	case e.Source == "aws.s3" && e.Detail != nil:
		outermost(EventBridge)
		d.bridge(e, message)
	default:
		d.fault(message, "the payload is a JSON object, but none that S3, SQS, SNS or EventBridge sends: %.200s", text)
	}
}

func (d *Delivery) fault(message, format string, args ...any) {
	d.Notices = append(d.Notices, Notice{Size: -1, Message: message, Fault: penstock.NewReject(CodePayload, "", format, args...)})
}

// A record is one of Records: of S3, or a message of SQS or SNS.
type record struct {
	EventName string `json:"eventName"`
	EventTime string `json:"eventTime"`
	S3        *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string      `json:"key"`
			Size      json.Number `json:"size"`
			ETag      string      `json:"eTag"`
			Version   string      `json:"versionId"`
			Sequencer string      `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`

	MessageID string  `json:"messageId"`
	Body      *string `json:"body"`

	Sns *struct {
		Message string
	}
}

// records decodes each record by itself, so that one which is bad costs no other.
func (d *Delivery) records(text json.RawMessage, message string, depth int) {
	var all []json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		d.fault(message, "Records is no array: %.200s", []byte(text))
		return
	}
	for _, text := range all {
		var r record
		err := json.Unmarshal(text, &r)
		switch {
		case r.Body != nil && r.MessageID != "" && depth == 0:
			d.Wrapping = SQS
			d.unwrap([]byte(*r.Body), r.MessageID, depth+1)
		case r.Sns != nil:
			if depth == 0 {
				d.Wrapping = SNS
			}
			d.unwrap([]byte(r.Sns.Message), message, depth+1)
		case err == nil && r.S3 != nil:
			d.Notices = append(d.Notices, r.notice(message))
		default:
			if depth == 0 && r.MessageID != "" {
				d.Wrapping, message = SQS, r.MessageID // so that this message alone comes again
			}
			d.fault(message, "a record is none of S3, SQS or SNS: %.200s", []byte(text))
		}
	}
}

// notice reads S3's own form, in which the key is form-encoded.
func (r record) notice(message string) Notice {
	o := r.S3.Object
	n := Notice{
		Object:    Object{Bucket: r.S3.Bucket.Name, ETag: strings.Trim(o.ETag, `"`), Version: version(o.Version)},
		Size:      size(o.Size),
		Action:    action(r.EventName),
		Name:      r.EventName,
		Sequencer: o.Sequencer,
		Time:      instant(r.EventTime),
		Message:   message,
	}
	key, err := url.QueryUnescape(o.Key)
	n.Object.Key = key
	if err != nil {
		n.Object.Key = o.Key
		n.Fault = penstock.NewReject(CodeKey, "/s3/object/key", "the key %q is not form-encoded: %v", o.Key, err)
	}
	return n.checked()
}

func (n Notice) checked() Notice {
	if n.Fault == nil && (n.Object.Bucket == "" || n.Object.Key == "") {
		n.Fault = penstock.NewReject(CodeKey, "/s3/object/key", "the notice names no bucket or no key")
	}
	if n.Fault == nil && !utf8.ValidString(n.Object.Key) { // the ledger could not keep it as it is
		n.Fault = penstock.NewReject(CodeKey, "/s3/object/key", "the key %q is not UTF-8, which keys of S3 are", n.Object.Key)
	}
	return n
}

// bridge reads EventBridge's form, in which the key is as it is.
func (d *Delivery) bridge(e envelope, message string) {
	var detail struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string      `json:"key"`
			Size      json.Number `json:"size"`
			ETag      string      `json:"etag"`
			Version   string      `json:"version-id"`
			Sequencer string      `json:"sequencer"`
		} `json:"object"`
	}
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		d.fault(message, "the detail of EventBridge's event is not what S3 sends: %v", err)
		return
	}
	o := detail.Object
	d.Notices = append(d.Notices, Notice{
		Object: Object{Bucket: detail.Bucket.Name, Key: o.Key, ETag: strings.Trim(o.ETag, `"`), Version: version(o.Version)},
		Size:   size(o.Size), Action: action(e.DetailType), Name: e.DetailType, Sequencer: o.Sequencer,
		Time: instant(e.Time), Message: message,
	}.checked())
}

// version leaves out what buckets without versions say: nothing, or "null".
func version(v string) string {
	if v == "null" {
		return ""
	}
	return v
}

func size(n json.Number) int64 {
	v, err := n.Int64()
	if err != nil || v < 0 {
		return -1
	}
	return v
}

func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// action sorts the names that S3, EventBridge and other makers use: with or
// without "s3:" in front.
func action(name string) Action {
	switch name := strings.TrimPrefix(name, "s3:"); {
	case strings.HasPrefix(name, "ObjectCreated:"), name == "Object Created":
		return Created
	case strings.HasPrefix(name, "ObjectRemoved:"), strings.HasPrefix(name, "LifecycleExpiration:"), name == "Object Deleted":
		return Removed
	case name == "TestEvent":
		return Test
	}
	return Other
}

// after reports whether sequencer a comes after b. They are hexadecimal and of
// different lengths; the shorter is padded with zeros on its left.
func after(a, b string) bool {
	width := max(len(a), len(b))
	return bytes.Compare(padded(a, width), padded(b, width)) > 0
}

func padded(s string, width int) []byte {
	out := bytes.Repeat([]byte{'0'}, width)
	copy(out[width-len(s):], strings.ToLower(s))
	return out
}
