package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// A reference is what must be in the table and among the rejects in the end. It
// is made of what the generator meant, without any code that reads objects.
type reference struct {
	customers map[string][]string // country and tier by user
	items     map[int64]string    // by order, all attributes as one text
	rejects   map[string]string   // by object and record
}

func newReference(c *cloud) *reference {
	c.t.Helper()
	file, err := os.ReadFile("../../examples/orders/customers.csv")
	if err != nil {
		c.t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	r := &reference{customers: map[string][]string{}, items: map[int64]string{}, rejects: map[string]string{}}
	for _, record := range records[1:] {
		r.customers[record[0]] = record[1:]
	}
	return r
}

// add adds the orders of an object.
func (r *reference) add(key string, g orders.Generator, form orders.Form, from, count uint64) {
	for n := range count {
		var o orders.Order
		g.Order(from+n, &o)
		if fault, bad := o.Fault(form); bad {
			r.rejects[fmt.Sprint(key, " ", n+1)] = fmt.Sprintf("%s %q", fault.Code, bytes.TrimSpace(o.Append(nil, form)))
			continue
		}
		r.items[o.ID] = r.item(&o, form)
	}
}

func (r *reference) item(o *orders.Order, form orders.Form) string {
	customer := r.customers[fmt.Sprint(o.UserID)]
	if customer == nil {
		customer = []string{"unknown", "unknown"}
	}
	text := func(t []byte) string {
		if t == nil {
			return "NULL"
		}
		return "S " + string(t)
	}
	email := o.Email
	if email != nil {
		email = bytes.ToLower(bytes.TrimSpace(email))
	}
	attributes := map[string]string{
		"order_id": fmt.Sprint("N ", o.ID), "user_id": fmt.Sprint("N ", o.UserID),
		"created_at": "S " + o.CreatedAt.UTC().Format(time.RFC3339Nano),
		"amount":     "N " + big.NewRat(o.Amount, 100).RatString(), "amount_minor": fmt.Sprint("N ", o.Amount),
		"currency": "S " + o.Currency, "status": "S " + o.Status,
		"email": text(email), "note": text(o.Note),
		"country": "S " + customer[0], "tier": "S " + customer[1],
	}
	if form == orders.CSV { // an empty cell is no value, where JSON has null
		maps.DeleteFunc(attributes, func(_, v string) bool { return v == "NULL" })
	}
	return joined(attributes)
}

func joined(attributes map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		fmt.Fprintf(&b, "%s=%q ", name, attributes[name])
	}
	return b.String()
}

// shown is an item of the table as the reference writes it.
func shown(item map[string]ddb.AttributeValue) string {
	attributes := map[string]string{}
	for name, v := range item {
		if strings.HasPrefix(name, "penstock_") { // what modes compare
			continue
		}
		switch v := v.(type) {
		case *ddb.AttributeValueMemberS:
			attributes[name] = "S " + v.Value
		case *ddb.AttributeValueMemberN:
			number, _ := new(big.Rat).SetString(v.Value)
			attributes[name] = "N " + number.RatString()
		case *ddb.AttributeValueMemberNULL:
			attributes[name] = "NULL"
		default:
			attributes[name] = fmt.Sprintf("%T", v)
		}
	}
	return joined(attributes)
}

// compare holds all of the table and all rejects against the reference.
func (r *reference) compare(c *cloud) {
	c.t.Helper()
	items := map[string]string{}
	for id, want := range r.items {
		items[fmt.Sprint(id)] = want
	}
	differences(c, "item", c.items(), items)
	differences(c, "reject", c.rejected(r.rejects), r.rejects)
}

func differences(c *cloud, what string, got, want map[string]string) {
	c.t.Helper()
	shown := 0
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if got[id] != want[id] && shown < 5 {
			shown++
			c.t.Errorf("%s %s\n is  %s\nwant %s", what, id, got[id], want[id])
		}
	}
	if len(got) != len(want) {
		c.t.Errorf("%d %ss, want %d", len(got), what, len(want))
	}
}

// items is the whole table.
func (c *cloud) items() map[string]string {
	c.t.Helper()
	all := map[string]string{}
	pages := dynamodb.NewScanPaginator(c.settings.dynamodb(), &dynamodb.ScanInput{TableName: &c.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, item := range page.Items {
			id, _ := item["order_id"].(*ddb.AttributeValueMemberN)
			all[id.Value] = shown(item)
		}
	}
	return all
}

// rejected is all that is kept of rejects, each by its object and record. Where
// want has no code, every door has its own.
func (c *cloud) rejected(want map[string]string) map[string]string {
	c.t.Helper()
	all := map[string]string{}
	pages := awss3.NewListObjectsV2Paginator(c.settings.s3(), &awss3.ListObjectsV2Input{Bucket: &c.bad})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := c.settings.s3().GetObject(c.t.Context(), &awss3.GetObjectInput{Bucket: &c.bad, Key: o.Key})
			if err != nil {
				c.t.Fatal(err)
			}
			text, err := io.ReadAll(out.Body)
			if out.Body.Close(); err != nil {
				c.t.Fatal(err)
			}
			for line := range bytes.Lines(text) {
				var l s3.RejectLine
				if err := json.Unmarshal(line, &l); err != nil {
					c.t.Fatal(err)
				}
				id := fmt.Sprint(l.Object.Key, " ", l.Record)
				if all[id] != "" {
					c.t.Errorf("reject %s is kept twice", id)
				}
				if strings.HasPrefix(want[id], " ") {
					l.Code = ""
				}
				all[id] = fmt.Sprintf("%s %q", l.Code, l.Raw+string(l.Bytes))
			}
		}
	}
	return all
}
