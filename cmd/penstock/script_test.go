package main

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kgo"
)

// scriptStatus runs the program and wants an exit code: status 2 tail
func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status CODE ARGS...")
	}
	err := ts.Exec("penstock", args[1:]...)
	code := 0
	if err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("penstock %s: %v", strings.Join(args[1:], " "), err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("penstock %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// scriptCompress writes a file's text as its name's ending says: compress
// FILE FILE.gz, or FILE.zst
func scriptCompress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: compress FILE FILE.gz|FILE.zst")
	}
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var w io.WriteCloser = gzip.NewWriter(out)
	if strings.HasSuffix(args[1], ".zst") {
		w, err = zstd.NewWriter(out)
		ts.Check(err)
	}
	_, err = io.WriteString(w, ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(out.Close())
}

// scriptAwait waits until a URL answers 200 with a body that has the pattern in
// it, if there is one: await http://$DOOR/v1/streams [PATTERN]
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await URL [PATTERN]")
	}
	pattern := regexp.MustCompile(strings.Join(args[1:], ""))
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := http.Get(args[0])
		if err == nil {
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err == nil && res.StatusCode == http.StatusOK && pattern.Match(body) {
				return
			}
		}
		select {
		case <-deadline:
			ts.Fatalf("%s did not answer 200 with %q within %v: %v", args[0], pattern, patience, err)
		case <-tick.C:
		}
	}
}

// scriptPost posts a file and writes "STATUS BODY" to stdout's file "answer":
// post 202 http://$DOOR/v1/streams/orders/events order.json [Header: value]...
func scriptPost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: post STATUS URL FILE [Header: value]...")
	}
	req, err := http.NewRequest("POST", args[1], strings.NewReader(ts.ReadFile(args[2])))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	for _, h := range args[3:] {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o644))
	if strconv.Itoa(res.StatusCode) != args[0] {
		ts.Fatalf("status %d, want %s: %s", res.StatusCode, args[0], body)
	}
}

// scriptHangup sends SIGHUP to the serve that runs in the background.
func scriptHangup(ts *testscript.TestScript, neg bool, args []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGHUP))
	}
}

// scriptRows waits until a SQLite file answers a query with these rows, with |
// between them: rows FILE QUERY WANT
func scriptRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: rows FILE QUERY WANT")
	}
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := sqliteRows(ts.MkAbs(args[0]), args[1])
		if err == nil && got == args[2] {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s: got %q (%v), want %q", args[1], got, err, args[2])
		case <-tick.C:
		}
	}
}

// sqliteRows is a query's answer, values with spaces and rows with | between them.
func sqliteRows(file, query string) (string, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		var words []string
		for _, c := range cells {
			words = append(words, c.String)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "|"), rows.Err()
}

// scriptProduce writes each line of a file to a topic, as any program may:
// produce $KAFKA TOPIC FILE [HEADER=VALUE]
func scriptProduce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: produce BROKER TOPIC FILE [HEADER=VALUE]")
	}
	var headers []kgo.RecordHeader
	if len(args) == 4 {
		name, value, _ := strings.Cut(args[3], "=")
		headers = []kgo.RecordHeader{{Key: name, Value: []byte(value)}}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(args[0]), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ts.Check(err)
	defer client.Close()
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		ts.Check(client.ProduceSync(context.Background(), &kgo.Record{Topic: args[1], Value: []byte(strings.TrimSuffix(line, "\n")), Headers: headers}).FirstErr())
	}
}
