package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

const lookupStream = `stream: orders
schema:
  properties:
    order_id: {type: integer}
    user_id: {type: integer}
id: order_id
enrich:
`

func TestLookups(t *testing.T) {
	s := loadText(t, lookupStream+`
  customer:
    sql: {dsn: "${ORDERS_DSN}", query: "select region, credit from customers where user_id = $1"}
    match: user_id
    add: {region: {}, limit: {from: credit, type: "decimal(12,2)"}}
    missing: default
    default: {region: null, limit: 0}
    on_error: reject
    ttl: 1h
    negative_ttl: 0s
    timeout: 250ms
    capacity: 10
  region:
    http: {url: "https://regions.example.com/{}?full=1", retries: 3}
    match: region
    add: {country: country_code}
  country:
    file: data/countries.json
    match: country
    column: code
    add: [continent]
    missing: reject
`)
	if len(s.Lookups) != 3 {
		t.Fatalf("read %d look-ups, want 3", len(s.Lookups))
	}
	sql, http, file := s.Lookups[0], s.Lookups[1], s.Lookups[2]
	if sql.SQL == nil || sql.SQL.DSN != "${ORDERS_DSN}" || sql.Match != 1 || sql.Missing != PolicyDefault || sql.OnError != PolicyReject ||
		sql.TTL != time.Hour || sql.NegativeTTL != 0 || sql.Timeout != 250*time.Millisecond || sql.Capacity != 10 {
		t.Errorf("the look-up customer is %+v", sql)
	}
	if len(sql.Add) != 2 || sql.Add[0].Default.Kind != penstock.Null || sql.Add[1].From != "credit" || sql.Add[1].Default.String() != "0.00" {
		t.Errorf("the look-up customer adds %+v", sql.Add)
	}
	if f := s.Fields[sql.Add[1].Slot]; f.Name != "limit" || f.Type != Decimal || f.Scale != 2 {
		t.Errorf("the field limit is %+v", f)
	}
	if http.HTTP == nil || http.HTTP.Retries != 3 || http.Match != sql.Add[0].Slot || http.OnError != PolicyRetry || http.Missing != PolicyPass ||
		http.TTL != lookupTTL || http.NegativeTTL != lookupNegativeTTL || http.Capacity != lookupCapacity || http.Add[0].From != "country_code" {
		t.Errorf("the look-up region is %+v", http)
	}
	if !strings.HasSuffix(file.File, "data/countries.json") || file.Column != "code" || file.Match != http.Add[0].Slot || file.Missing != PolicyReject {
		t.Errorf("the look-up country is %+v", file)
	}
	if s.Declared != 2 || len(s.Fields) != 6 {
		t.Errorf("the row has %d fields of %d declared, want 6 and 2", len(s.Fields), s.Declared)
	}
}

// TestLookupDefaultIsTyped: a default that is not of the field's type would
// reach the sinks as something they did not prepare for.
func TestLookupDefaultIsTyped(t *testing.T) {
	err := loadError(t, lookupStream+`
  customer:
    file: c.csv
    match: user_id
    add: {limit: {type: integer}}
    missing: default
    default: {limit: none}
`)
	if !strings.Contains(err, `14: the default of limit is the text "none", but the values are integers`) {
		t.Errorf("the error is %s", err)
	}
}
