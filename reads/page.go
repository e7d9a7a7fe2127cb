package reads

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// The rows of a page.
const (
	limitDefault = 50
	limitMax     = 200
)

// page reads the request's parameters. One that is not known or stands there
// twice is a mistake, not to be passed over.
func (a *answer) page(e *endpoint) (stream.Page, *problem) {
	p := stream.Page{User: a.user, Limit: limitDefault}
	if e.read.Tenant >= 0 {
		tenant, ok := e.Stream.ReadCell(e.read.Tenant, a.principal.Tenant())
		if !ok {
			return p, notFound() // who has no tenant has no rows in it
		}
		p.Tenant = tenant
	}
	query, err := url.ParseQuery(a.r.URL.RawQuery)
	if err != nil || !utf8.ValidString(a.r.URL.RawQuery) {
		return p, invalid("", "the query is not percent-encoded")
	}
	cursor := ""
	for name, values := range query {
		if len(values) != 1 || !utf8.ValidString(values[0]) {
			return p, invalid(name, "must stand there once, in UTF-8")
		}
		if name == "cursor" {
			cursor = values[0]
			continue
		}
		if fault := e.parameter(&p, name, values[0]); fault != nil {
			return p, fault
		}
	}
	if _, ok := query["cursor"]; ok {
		if p.After, ok = a.handler.keys.Load().open(cursor, e, p); !ok {
			return p, invalidCursor()
		}
	}
	return p, nil
}

func (e *endpoint) parameter(p *stream.Page, name, value string) *problem {
	var ok bool
	switch name {
	case "limit":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > limitMax || strconv.Itoa(n) != value {
			return invalid(name, "must be a whole number from 1 to "+strconv.Itoa(limitMax))
		}
		p.Limit = n
	case e.afterName:
		if p.From, ok = (stream.Field{Type: stream.Time}).Read([]byte(value)); !ok {
			return invalid(name, "must be a time as 2026-11-23T09:00:00Z")
		}
	case e.beforeName:
		if p.To, ok = (stream.Field{Type: stream.Time}).Read([]byte(value)); !ok {
			return invalid(name, "must be a time as 2026-11-23T09:00:00Z")
		}
	default:
		slot := slices.IndexFunc(e.read.Filter, func(slot int) bool { return e.Stream.Fields[slot].Name == name })
		if slot < 0 {
			return invalid(name, "is not known here; see /openapi.json")
		}
		if !p.Filter.Missing() {
			return invalid(name, "cannot be combined with another filter")
		}
		p.FilterSlot = e.read.Filter[slot]
		if p.Filter, ok = e.Stream.ReadCell(p.FilterSlot, value); !ok {
			return invalid(name, "is none of its values; see /openapi.json")
		}
	}
	return nil
}

// hungUp is the status that nobody gets, for a sender who is gone: neither the
// server nor the database failed.
const hungUp = 499

// show reads the page and writes it. One row more than asked for tells whether
// there is another page.
func (a *answer) show(e *endpoint, p stream.Page) int {
	limit := p.Limit
	p.Limit++
	begun := time.Now()
	rows, err := e.Rows(a.r.Context(), e.read, p)
	a.handler.metrics.seconds.Observe(time.Since(begun).Seconds())
	if a.r.Context().Err() != nil {
		a.refuse(unavailable())
		return hungUp
	}
	if err != nil {
		a.handler.o.Log.Error("read a page", "request", a.id, "path", a.r.URL.Path, "err", err)
		if errors.Is(err, stream.ErrRow) {
			return a.refuse(badRow())
		}
		return a.refuse(unavailable())
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = a.handler.keys.Load().seal(rows[limit-1][len(e.read.Columns):], e, p)
	}
	a.rows = len(rows)
	body := append(make([]byte, 0, 256*(len(rows)+1)), `{"data":[`...)
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = e.appendRow(body, row)
	}
	body = append(body, `],"next_cursor":`...)
	header := a.w.Header()
	if next == "" {
		body = append(body, "null"...)
	} else {
		body = appendText(body, next)
		query := a.r.URL.Query()
		query.Set("cursor", next)
		header.Set("Link", "<"+a.r.URL.EscapedPath()+"?"+query.Encode()+`>; rel="next"`)
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	a.w.WriteHeader(http.StatusOK)
	a.w.Write(append(body, '}', '\n'))
	return http.StatusOK
}

// appendRow writes the declared columns and nothing else. Numbers travel as
// text: JavaScript loses whole ones beyond 2^53, and decimals become floats.
func (e *endpoint) appendRow(dst []byte, row []penstock.Value) []byte {
	dst = append(dst, '{')
	for i, slot := range e.read.Columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, e.Stream.Fields[slot].Name)
		dst = append(dst, ':')
		dst = appendValue(dst, &row[i])
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v *penstock.Value) []byte {
	switch v.Kind {
	case penstock.Absent, penstock.Null:
		return append(dst, "null"...)
	case penstock.Bool, penstock.JSON:
		return v.AppendText(dst)
	case penstock.Time:
		return appendText(dst, v.AsTime().Format("2006-01-02T15:04:05.000000Z"))
	}
	return appendText(dst, v.String())
}

func appendText(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}
