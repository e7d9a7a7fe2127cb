package stream

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The defaults of a look-up. A source that fails holds the event back to be
// asked again; nothing is passed on unenriched unless the stream says so.
const (
	lookupTTL         = 5 * time.Minute
	lookupNegativeTTL = 30 * time.Second
	lookupTimeout     = 2 * time.Second
	lookupCapacity    = 100_000
	lookupRetries     = 1
	lookupsMax        = 32
	addedMax          = 100
)

var lookupKeys = []string{"file", "sql", "http", "match", "column", "add", "missing", "default",
	"on_error", "ttl", "negative_ttl", "timeout", "capacity"}

// compileLookups reads enrich: look-ups by name, asked in the order they are
// written. Each adds its fields behind those of the ones before, so a later one
// may match on what an earlier one found.
func (s *Stream) compileLookups(node *yaml.Node) error {
	list, err := entries(node, "enrich")
	wrong := []error{err}
	if len(list) > lookupsMax {
		return lineError(node, "enrich has %d look-ups; a stream has at most %d", len(list), lookupsMax)
	}
	for _, e := range list {
		c := &lookupCompiler{stream: s, name: e.name, node: e.value}
		wrong = append(wrong, c.compile())
	}
	return errors.Join(wrong...)
}

// lookupCompiler reads one look-up.
type lookupCompiler struct {
	stream *Stream
	name   string
	node   *yaml.Node
	keys   map[string]entry
	lookup Lookup
	wrong  []error
}

func (c *lookupCompiler) compile() error {
	keys, err := keyed(c.node, "the look-up "+c.name, lookupKeys...)
	if keys == nil || err != nil {
		return err
	}
	c.keys = keys
	c.lookup = Lookup{
		Name: c.name, Missing: PolicyPass, OnError: PolicyRetry,
		TTL: lookupTTL, NegativeTTL: lookupNegativeTTL, Timeout: lookupTimeout, Capacity: lookupCapacity,
	}
	c.source()
	c.match()
	c.policies()
	c.limits()
	c.added()
	if err := errors.Join(c.wrong...); err != nil {
		return err
	}
	c.stream.Lookups = append(c.stream.Lookups, c.lookup)
	return nil
}

func (c *lookupCompiler) fault(node *yaml.Node, format string, args ...any) {
	c.wrong = append(c.wrong, lineError(node, format, args...))
}

func (c *lookupCompiler) note(err error) {
	if err != nil {
		c.wrong = append(c.wrong, err)
	}
}

// source reads which of the three the look-up asks.
func (c *lookupCompiler) source() {
	var given []string
	for _, kind := range []string{"file", "sql", "http"} {
		if _, ok := c.keys[kind]; ok {
			given = append(given, kind)
		}
	}
	if len(given) != 1 {
		c.fault(c.node, "the look-up %s has %d sources; write exactly one of file, sql or http", c.name, len(given))
		return
	}
	node := c.keys[given[0]].value
	c.lookup.Line = node.Line
	switch given[0] {
	case "file":
		c.file(node)
	case "sql":
		c.sql(node)
	case "http":
		c.http(node)
	}
}

func (c *lookupCompiler) file(node *yaml.Node) {
	name, err := text(node, "file", "file: customers.csv")
	if err != nil {
		c.note(err)
		return
	}
	if !strings.HasSuffix(name, ".csv") && !strings.HasSuffix(name, ".json") {
		c.fault(node, "the file %s is neither .csv nor .json; name a CSV file with a header, or a JSON file with an array of objects", name)
	}
	c.lookup.File = beside(c.stream.File, name)
	for _, key := range []string{"ttl", "negative_ttl", "timeout", "capacity"} {
		if e, ok := c.keys[key]; ok {
			c.fault(e.key, "%s means nothing for a file, which is kept whole and read again when it changes; leave it out", key)
		}
	}
}

var environment = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"`) // in SQL: no parameter stands in there

var parameter = regexp.MustCompile(`\$[0-9]+`)

func (c *lookupCompiler) sql(node *yaml.Node) {
	keys, err := keyed(node, "sql", "dsn", "query")
	if err != nil {
		c.note(err)
		return
	}
	c.lookup.SQL = &SQLLookup{}
	if e, ok := keys["dsn"]; ok {
		dsn, err := text(e.value, "dsn", `dsn: "${ORDERS_DSN}"`)
		if err == nil && !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") &&
			!strings.HasPrefix(dsn, "sqlite:") && !environment.MatchString(dsn) {
			err = lineError(e.value, "the dsn names no database; write postgres://…, sqlite:FILE, or an environment variable as ${ORDERS_DSN}")
		}
		c.note(err)
		c.lookup.SQL.DSN = dsn
	} else {
		c.fault(node, `sql has no dsn; write dsn: "${ORDERS_DSN}", postgres://… or sqlite:FILE`)
	}
	e, ok := keys["query"]
	if !ok {
		c.fault(node, "sql has no query; write query: select country from customers where user_id = $1")
		return
	}
	query, err := text(e.value, "query", "query: select country from customers where user_id = $1")
	if holes := parameter.FindAllString(quoted.ReplaceAllString(query, ""), -1); err == nil && (len(holes) != 1 || holes[0] != "$1") {
		err = lineError(e.value, "the query has not exactly one parameter; write $1 once, where the matched value belongs, without quotes")
	}
	c.note(err)
	c.lookup.SQL.Query = query
}

func (c *lookupCompiler) http(node *yaml.Node) {
	keys, err := keyed(node, "http", "url", "retries")
	if err != nil {
		c.note(err)
		return
	}
	c.lookup.HTTP = &HTTPLookup{Retries: lookupRetries}
	if e, ok := keys["retries"]; ok {
		c.lookup.HTTP.Retries, err = integer(e.value, "retries", 0, 5)
		c.note(err)
	}
	e, ok := keys["url"]
	if !ok {
		c.fault(node, "http has no url; write url: https://customers.example.com/v1/{}")
		return
	}
	address, err := text(e.value, "url", "url: https://customers.example.com/v1/{}")
	if err != nil {
		c.note(err)
		return
	}
	u, err := url.Parse(strings.ReplaceAll(environment.ReplaceAllString(address, "x"), "{}", "x"))
	if err != nil || u.Host == "" && !strings.HasPrefix(address, "${") || u.Scheme != "http" && u.Scheme != "https" && !strings.HasPrefix(address, "${") {
		c.fault(e.value, "the url %q is no http address; write url: https://customers.example.com/v1/{}", cut(address))
	}
	if strings.Count(address, "{}") != 1 {
		c.fault(e.value, "the url %q has not exactly one {}; write {} once, where the matched value belongs", cut(address))
	}
	if host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"), "/"); strings.Contains(host, "{}") {
		c.fault(e.value, "the url %q would take its host from the event; put {} behind the host", cut(address))
	}
	c.lookup.HTTP.URL = address
}

// match reads the slot that is looked up, and the file's column it must equal.
func (c *lookupCompiler) match() {
	e, ok := c.keys["match"]
	if !ok {
		c.fault(c.node, "the look-up %s has no match; write the field that is looked up, as match: user_id", c.name)
		return
	}
	slot, err := c.stream.slotAt(e.value, "match", "match: user_id")
	c.note(err)
	c.lookup.Match = slot
	if c.lookup.File != "" {
		c.lookup.Column = e.value.Value
	}
	if column, ok := c.keys["column"]; ok {
		if c.lookup.File == "" {
			c.fault(column.key, "column goes with file only; write the column into the query or the url")
			return
		}
		c.lookup.Column, err = text(column.value, "column", "column: user_id")
		c.note(err)
	}
}

var policies = map[string]Policy{"pass": PolicyPass, "reject": PolicyReject, "default": PolicyDefault, "retry": PolicyRetry}

func (c *lookupCompiler) policies() {
	if e, ok := c.keys["missing"]; ok {
		word, err := choice(e.value, "missing", "pass", "reject", "default")
		c.note(err)
		c.lookup.Missing = policies[word]
	}
	if e, ok := c.keys["on_error"]; ok {
		word, err := choice(e.value, "on_error", "retry", "reject", "pass")
		c.note(err)
		c.lookup.OnError = policies[word]
	}
	given, ok := c.keys["default"]
	switch {
	case ok && c.lookup.Missing != PolicyDefault:
		c.fault(given.key, "default is not used unless missing: default; write that too, or leave default out")
	case !ok && c.lookup.Missing == PolicyDefault:
		c.fault(c.keys["missing"].value, "missing: default needs the values; write default: {FIELD: VALUE}")
	}
}

func (c *lookupCompiler) limits() {
	read := func(key string, least, most time.Duration, into *time.Duration) {
		if e, ok := c.keys[key]; ok {
			d, err := duration(e.value, key, least, most)
			c.note(err)
			*into = d
		}
	}
	read("ttl", 0, 30*24*time.Hour, &c.lookup.TTL)
	read("negative_ttl", 0, 30*24*time.Hour, &c.lookup.NegativeTTL)
	read("timeout", time.Millisecond, time.Minute, &c.lookup.Timeout)
	if e, ok := c.keys["capacity"]; ok {
		n, err := integer(e.value, "capacity", 1, 100_000_000)
		c.note(err)
		c.lookup.Capacity = n
	}
}
