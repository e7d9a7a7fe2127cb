package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock/examples/orders"
)

// usualCommand makes this program the service that one writes with the usual
// libraries: net/http, encoding/json, santhosh-tekuri/jsonschema, franz-go.
const (
	usualCommand = "serve-usual"
	usualName    = "net/http, encoding/json, santhosh, franz-go"
)

// ordersSchema is the schema of the orders stream, without penstock's format
// decimal(12,2), which the library would have to be taught.
const ordersSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["order_id", "user_id", "created_at", "amount", "currency", "status"],
	"additionalProperties": false,
	"properties": {
		"order_id":   {"type": "integer", "minimum": 1, "maximum": 9223372036854775807},
		"user_id":    {"type": "integer", "minimum": 1, "maximum": 9223372036854775807},
		"created_at": {"type": "string", "format": "date-time"},
		"amount":     {"type": ["number", "string"], "minimum": 0},
		"currency":   {"type": "string", "pattern": "^[A-Z]{3}$"},
		"status":     {"enum": ["new", "paid", "shipped", "cancelled", "refunded"]},
		"email":      {"type": ["string", "null"], "maxLength": 254},
		"note":       {"type": ["string", "null"], "maxLength": 2000}
	}
}`

// A usual service checks and enriches as the orders stream does and answers
// when the broker has acknowledged. It has no journal, so it loses what it
// holds when the broker is away, and knows no event that comes twice.
type usual struct {
	schema    *jsonschema.Schema
	customers map[string]customer // by user_id
	client    *kgo.Client
}

type customer struct{ country, tier string }

// result is what the sender is told of one event.
type result struct {
	ID        json.Number `json:"id"`
	Status    string      `json:"status"`
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
}

func serveUsual(addr, broker string) {
	s, err := newUsual(broker)
	if err == nil {
		err = http.ListenAndServe(addr, s)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func newUsual(broker string) (*usual, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ordersSchema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("orders.json", doc); err != nil {
		return nil, err
	}
	s := &usual{customers: map[string]customer{}}
	if s.schema, err = c.Compile("orders.json"); err != nil {
		return nil, err
	}
	table, err := orders.Files.ReadFile("customers.csv")
	if err != nil {
		return nil, err
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	for _, row := range rows[1:] {
		cells := strings.Split(row, ",")
		s.customers[cells[0]] = customer{cells[1], cells[2]}
	}
	s.client, err = kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("usual"), kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0))
	return s, err
}

func (s *usual) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	records, results, err := s.read(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if err := s.produce(r, records, results); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer, _ := json.Marshal(map[string]any{"results": results})
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	w.WriteHeader(http.StatusAccepted)
	w.Write(answer)
}

// read makes records of the body's events, one JSON value after the other.
func (s *usual) read(body []byte) (records []*kgo.Record, results []result, err error) {
	for in := json.NewDecoder(bytes.NewReader(body)); ; {
		in.UseNumber()
		var event any
		if err := in.Decode(&event); errors.Is(err, io.EOF) {
			return records, results, nil
		} else if err != nil {
			return nil, nil, err
		}
		if err := s.schema.Validate(event); err != nil {
			return nil, nil, err
		}
		order := event.(map[string]any)
		user := string(order["user_id"].(json.Number))
		s.enrich(order, user)
		value, err := json.Marshal(order)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, &kgo.Record{Key: []byte(user), Value: value})
		results = append(results, result{ID: order["order_id"].(json.Number), Status: "ok"})
	}
}

func (s *usual) enrich(order map[string]any, user string) {
	if amount, ok := order["amount"].(json.Number); ok {
		f, _ := amount.Float64()
		order["amount_minor"] = int64(math.Round(f * 100))
	}
	if email, ok := order["email"].(string); ok {
		order["email"] = strings.ToLower(strings.TrimSpace(email))
	}
	c, ok := s.customers[user]
	if !ok {
		c = customer{"unknown", "unknown"}
	}
	order["country"], order["tier"] = c.country, c.tier
}

// produce sends the records and waits for the broker's word on each.
func (s *usual) produce(r *http.Request, records []*kgo.Record, results []result) error {
	var wait sync.WaitGroup
	errs := make([]error, len(records))
	wait.Add(len(records))
	for i, record := range records {
		s.client.Produce(r.Context(), record, func(record *kgo.Record, err error) {
			errs[i], results[i].Partition, results[i].Offset = err, record.Partition, record.Offset
			wait.Done()
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
