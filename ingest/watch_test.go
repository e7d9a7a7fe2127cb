package ingest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/ingest"
)

const statsPath = "/v1/streams/orders/stats"

// statistics are what the tests look at.
type statistics struct {
	Count, Missing     uint64
	Mean, Median, Mode *float64
	Modes              []float64
	ModeCount          uint64 `json:"mode_count"`
	Exact              bool
	Since              time.Time
}

func (h *house) statistics(query string) (s statistics) {
	h.Helper()
	response := h.do("GET", statsPath+"?"+query, nil)
	if response.status != http.StatusOK {
		h.Fatalf("%s: %d: %s", query, response.status, response.text)
	}
	if err := json.Unmarshal([]byte(response.text), &s); err != nil {
		h.Fatal(err)
	}
	return s
}

// TestWatch: the figures are those of the events that passed since the first
// question, each once, and of no rejects.
func TestWatch(t *testing.T) {
	h := open(t, settings{})
	h.post(order("9"))
	begun := h.statistics("field=amount&window=5m")
	if begun.Count != 0 || begun.Mean != nil || time.Since(begun.Since) > time.Minute {
		t.Errorf("before any event: %+v", begun)
	}
	priced := func(id, amount string) string { return strings.Replace(order(id), "12.5", amount, 1) }
	h.post("[" + priced("1", `"10.10"`) + "," + priced("2", `"10.10"`) + "," + priced("3", `"40.00"`) + "]")
	h.post(priced("1", `"10.10"`)) // a duplicate
	h.post(badOrder)
	s := h.statistics("field=amount")
	if s.Count != 3 || *s.Mean != 20.066666666666666 || *s.Median != 10.1 || *s.Mode != 10.1 || s.ModeCount != 2 || !s.Exact || len(s.Modes) != 1 {
		t.Errorf("%+v, mean %v, median %v, mode %v", s, *s.Mean, *s.Median, *s.Mode)
	}
	passed := time.Now()
	if s := h.statistics("field=amount&window=1ns"); s.Count > 0 && s.Since.After(passed) {
		t.Errorf("%d values since %v, but the last passed before %v", s.Count, s.Since, passed)
	}
	if other := h.statistics("field=amount&window=15m"); other.Count != 3 || !other.Since.Equal(begun.Since) {
		t.Errorf("another window: %+v, since %v, want %v", other, other.Since, begun.Since)
	}
}

// TestWatchRefused: every wrong question says what is right.
func TestWatchRefused(t *testing.T) {
	h := open(t, settings{})
	for query, says := range map[string]string{
		"":                            "which field",
		"field=nonesuch":              "amount",
		"field=status":                "must name a field of the stream that is a number",
		"field=amount&window=1h":      "up to 15m",
		"field=amount&window=0s":      "up to 15m",
		"field=amount&window=x":       "as 30s or 5m",
		"field=amount&field=amount":   "more than once",
		"field=amount&from=yesterday": "field and window",
		"field=%zz":                   "percent-encoded",
	} {
		response := h.do("GET", statsPath+"?"+query, nil)
		if response.status != http.StatusBadRequest || !strings.Contains(response.text, says) {
			t.Errorf("%q: %d %s", query, response.status, response.text)
		}
	}
	if response := h.do("GET", statsPath+"/x?field=amount", nil); response.status != http.StatusNotFound {
		t.Errorf("a path below: %d", response.status)
	}
}

// TestWatchForbidden: figures of everybody's events are for who may read
// everybody's.
func TestWatchForbidden(t *testing.T) {
	file, secrets := "", map[string]string{}
	for name, rights := range map[string]string{
		"sender":  `streams: ["*"]`,
		"user":    `streams: ["*"], user: "7"`,
		"tenant":  `streams: ["*"], users: "*", tenant: "a"`,
		"other":   `streams: [others], users: "*"`,
		"service": `streams: [orders], users: "*"`,
	} {
		secret, hash := ingest.NewKey()
		secrets[name] = secret
		file += "  - {name: " + name + ", hash: \"" + hash + "\", " + rights + "}\n"
	}
	keys, err := ingest.ParseKeys([]byte("keys:\n" + file))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, settings{keys: keys})
	for name, secret := range secrets {
		want := http.StatusForbidden
		if name == "service" {
			want = http.StatusOK
		}
		if got := h.do("GET", statsPath+"?field=amount", nil, "Authorization", "Bearer "+secret); got.status != want {
			t.Errorf("%s: %d, want %d: %s", name, got.status, want, got.text)
		}
	}
	anybody := open(t, settings{options: ingest.Options{SendOnly: true}})
	if got := anybody.do("GET", statsPath+"?field=amount", nil); got.status != http.StatusForbidden || !strings.Contains(got.text, "statistics_forbidden") {
		t.Errorf("a server that is only for sending: %d: %s", got.status, got.text)
	}
}

// TestWatchTold: what is not just a number, or not the one that was sent, is told
// of, and nothing else is called exact.
func TestWatchTold(t *testing.T) {
	h := open(t, settings{edit: func(file string) string {
		return strings.Replace(file, "    amount:", "    reading: {type: number}\n    serial: {type: integer}\n    small: {type: number}\n    thing: {}\n    amount:", 1)
	}})
	for _, field := range []string{"reading", "serial", "small", "thing"} {
		h.statistics("field=" + field)
	}
	with := func(id, more string) string { return strings.Replace(order(id), "{", "{"+more+",", 1) }
	h.post("[" + with("1", `"reading":1e400,"small":-1e-400,"serial":9007199254740993,"thing":"text"`) + "," +
		with("2", `"reading":5,"small":0e-400,"serial":9007199254740992,"thing":7`) + "," + order("3") + "]")
	for field, want := range map[string]string{
		"reading": `"count":2,"missing":1,"pos_infs":1,"neg_infs":0,"mean":null`,
		"serial":  `"count":2,"missing":1,"pos_infs":0,"neg_infs":0,"mean":9.007199254740992e+15`,
		"small":   `"count":2,"missing":1,"pos_infs":0,"neg_infs":0,"mean":0`,
		"thing":   `"count":1,"missing":1,"pos_infs":0,"neg_infs":0,"mean":7`,
	} {
		text := h.do("GET", statsPath+"?field="+field, nil).text
		if !strings.Contains(text, want) || strings.Contains(text, `"exact":true`) != (field == "thing") || strings.Contains(text, `"integers_rounded":1`) != (field == "serial") ||
			strings.Contains(text, `"bad":1`) != (field == "thing") || strings.Contains(text, `"rounded_to_zero":1`) != (field == "small") {
			t.Errorf("%s: %s", field, text)
		}
	}
	wrong := h.do("GET", statsPath+"?field=nonesuch", nil).text
	if !strings.Contains(wrong, "reading, serial, small, amount") || !strings.Contains(wrong, "perhaps no numbers: thing") {
		t.Error(wrong)
	}
}

// TestWatchMissing: events without a value are told of where there is no value
// at all, too.
func TestWatchMissing(t *testing.T) {
	h := open(t, settings{edit: func(file string) string {
		return strings.Replace(file, "    amount:", "    reading: {type: number}\n    amount:", 1)
	}})
	h.statistics("field=reading")
	h.post("[" + order("1") + "," + order("2") + "]")
	if s := h.statistics("field=reading"); s.Count != 0 || s.Missing != 2 || s.Mean != nil {
		t.Errorf("%+v", s)
	}
}
