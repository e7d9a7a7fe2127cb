package s3

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// direct is a notice as S3 sends it.
func direct(key, more string) string {
	return `{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-01-02T03:04:05.000Z",` +
		`"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","bucket":{"name":"in","arn":"arn:aws:s3:::in"},` +
		`"object":{"key":` + quoted(key) + `,"size":12,"eTag":"abc","sequencer":"0A"` + more + `}}}`
}

func records(all ...string) string { return `{"Records":[` + strings.Join(all, ",") + `]}` }

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func message(id, body string) string {
	return `{"messageId":` + quoted(id) + `,"receiptHandle":"h","body":` + quoted(body) + `,"eventSource":"aws:sqs"}`
}

const bridged = `{"version":"0","id":"x","detail-type":"Object Created","source":"aws.s3","time":"2026-01-02T03:04:05Z",` +
	`"detail":{"version":"0","bucket":{"name":"in"},"object":{"key":"a b+c%2F.csv","size":12,"etag":"abc","version-id":"v1","sequencer":"0A"}}}`

const testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05.000Z","Bucket":"in","RequestId":"r","HostId":"h"}`

func notification(text string) string {
	return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-central-1:1:t","Message":` + quoted(text) + `}`
}

// describe is a delivery in short.
func describe(d Delivery) string {
	names := [...]string{"direct", "sqs", "sns", "eventbridge", "continuation"}
	actions := [...]string{"created", "removed", "test", "other"}
	list := []string{names[d.Wrapping]}
	for _, n := range d.Notices {
		text := fmt.Sprintf("%s %v %d", actions[n.Action], n.Object, n.Size)
		if n.Message != "" {
			text += " by " + n.Message
		}
		if n.Fault != nil {
			text += " fault " + n.Fault.Code
		}
		list = append(list, text)
	}
	return strings.Join(list, " | ")
}

func TestDecode(t *testing.T) {
	const plain = "s3://in/a b.csv?etag=abc 12"
	for _, c := range []struct{ name, payload, want string }{
		{"direct", records(direct("a+b.csv", "")), "direct | created " + plain},
		{"version", records(direct("%C3%A4%2Bb.csv", `,"versionId":"v1"`)), "direct | created s3://in/ä+b.csv?versionId=v1 12"},
		{"other makers", records(strings.ReplaceAll(strings.ReplaceAll(direct("a+b.csv", `,"versionId":"null"`), "ObjectCreated", "s3:ObjectCreated"), `"abc"`, `"\"abc\""`)), "direct | created " + plain},
		{"removed", records(strings.ReplaceAll(direct("a+b.csv", ""), "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated")), "direct | removed " + plain},
		{"tagging", records(strings.ReplaceAll(direct("a+b.csv", ""), "ObjectCreated:Put", "ObjectTagging:Put")), "direct | other " + plain},
		{"a bad key costs no other", records(direct("%zz", ""), direct("a+b.csv", "")), "direct | created s3://in/%zz?etag=abc 12 fault key | created " + plain},
		{"a key that is not UTF-8", records(direct("%ff", "")), "direct | created s3://in/\xff?etag=abc 12 fault key"},
		{"a bad record costs no other", records(`17`, direct("a+b.csv", ""), `{"s3":7}`), "direct | created s3:/// -1 fault payload | created " + plain + " | created s3:/// -1 fault payload"},
		{"no key", records(direct("", "")), "direct | created s3://in/?etag=abc 12 fault key"},
		{"test", testEvent, "direct | test s3://in/ -1"},
		{"eventbridge", bridged, "eventbridge | created s3://in/a b+c%2F.csv?versionId=v1 12"},
		{"sns", `{"Records":[{"EventSource":"aws:sns","Sns":` + notification(records(direct("a+b.csv", ""))) + `}]}`, "sns | created " + plain},
		{"sqs", records(message("m1", records(direct("a+b.csv", ""))), message("m2", testEvent)), "sqs | created " + plain + " by m1 | test s3://in/ -1 by m2"},
		{"sqs, sns", records(message("m1", notification(records(direct("a+b.csv", ""))))), "sqs | created " + plain + " by m1"},
		{"sqs, eventbridge", records(message("m1", bridged)), "sqs | created s3://in/a b+c%2F.csv?versionId=v1 12 by m1"},
		{"sqs, nonsense", records(message("m1", "{"), message("m2", records(direct("a+b.csv", "")))), "sqs | created s3:/// -1 by m1 fault payload | created " + plain + " by m2"},
		{"sqs, no body", `{"Records":[{"messageId":"m1"}]}`, "sqs | created s3:/// -1 by m1 fault payload"},
		{"no records", `{"Records":[]}`, "direct"},
		{"records in another case", `{"records":[` + direct("a", "") + `]}`, "direct | created s3:/// -1 fault payload"},
		{"no object", `[]`, "direct | created s3:/// -1 fault payload"},
		{"null", `null`, "direct | created s3:/// -1 fault payload"},
		{"nothing", ``, "direct | created s3:/// -1 fault payload"},
	} {
		if got := describe(Decode([]byte(c.payload))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestContinuationComesBackAsItWas(t *testing.T) {
	n := Decode([]byte(records(direct("a+b.csv", `,"versionId":"v1"`)))).Notices[0]
	n.Hop = 3
	payload, err := n.Payload()
	if err != nil {
		t.Fatal(err)
	}
	d := Decode(payload)
	n.Name = ""
	if d.Wrapping != Continuation || len(d.Notices) != 1 || d.Notices[0] != n {
		t.Errorf("got %+v, want %+v", d, n)
	}
}

func TestSequencersOfDifferentLength(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"0B", "0A", true}, {"0A", "0B", false}, {"A", "0A", false}, {"100", "FF", true}, {"ff", "FE", true}, {"", "", false}, {"1", "", true}} {
		if got := after(c.a, c.b); got != c.want {
			t.Errorf("%q after %q: %v", c.a, c.b, got)
		}
	}
}

// No payload makes Decode panic, and no message id comes out that did not go in.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		records(direct("a+b.csv", "")), bridged, testEvent, records(message("m1", notification(records(direct("%zz", ""))))),
		`{"Records":[{"messageId":"m1"}]}`, `{"penstock_continue":{"object":{"bucket":"b","key":"k"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := Decode(payload)
		ids := map[string]bool{"": true}
		var all struct {
			Records []struct {
				MessageID string `json:"messageId"`
			}
		}
		_ = json.Unmarshal(payload, &all)
		for _, r := range all.Records {
			ids[r.MessageID] = true
		}
		for _, n := range d.Notices {
			if !ids[n.Message] {
				t.Errorf("message id %q came from nowhere", n.Message)
			}
			if n.Fault == nil && n.Action == Created && d.Wrapping != Continuation && (n.Object.Bucket == "" || n.Object.Key == "") {
				t.Errorf("a notice without fault names no object: %+v", n)
			}
		}
	})
}
