package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"time"
)

// A writer makes the rows of the bench: 8 columns and about 85 bytes each,
// three in ten notes empty, one field in ten quoted, with commas, doubled quotes
// and line breaks. transformed rows have the derived columns, too.
type writer struct {
	rows        int
	transformed bool
}

var (
	notes    = [...]string{"", "", "", "call first", `"ring twice, please"`, `"said ""hello"""`, "thanks", "\"two\nlines\"", `"a, b and c"`, "fragile"}
	statuses = [...]string{"new", "paid", "shipped", "cancelled", "refunded"}
	names    = [...]string{"ada", "Grace", "edsger", "barbara", "Ken", "tony"}
	coins    = [...]string{"EUR", "USD", "GBP", "JPY"}
	epoch    = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (w writer) file(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	header := "order_id,user_id,created_at,amount,currency,status,email,note"
	if w.transformed {
		header += ",amount_minor,contact"
	}
	out.WriteString(header + "\n")
	var row []byte
	for i := range w.rows {
		row = w.row(row[:0], i)
		out.Write(row)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func (w writer) row(row []byte, i int) []byte {
	cents := int64(i) * 7919 % 1_000_000
	row = strconv.AppendInt(row, int64(i+1), 10)
	row = append(row, ',')
	row = strconv.AppendInt(row, int64(i*31%100_000+1), 10)
	row = append(row, ',')
	row = epoch.Add(time.Duration(i)*time.Second).AppendFormat(row, time.RFC3339)
	row = append(row, ',')
	row = strconv.AppendInt(row, cents/100, 10)
	row = append(row, '.', byte('0'+cents/10%10), byte('0'+cents%10), ',')
	row = append(row, coins[i%len(coins)]...)
	row = append(row, ',')
	row = append(row, statuses[i%len(statuses)]...)
	row = append(row, ',')
	from := len(row)
	row = append(row, names[i%len(names)]...)
	row = strconv.AppendInt(row, int64(i%1000), 10)
	row = append(row, "@example.org"...)
	contact := bytes.ToLower(row[from:])
	row = append(row, ',')
	row = append(row, notes[i%len(notes)]...)
	if w.transformed {
		row = append(row, ',')
		row = strconv.AppendInt(row, cents, 10)
		row = append(row, ',')
		row = append(row, contact...)
	}
	return append(row, '\n')
}
