package main

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"os"
	"strconv"
	"strings"
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
	row = appendNumbers(row, i, ',')
	row = epoch.Add(time.Duration(i)*time.Second).AppendFormat(row, time.RFC3339)
	row = append(row, ',')
	row, contact := appendTexts(row, i, ',')
	row = append(row, ',')
	row = append(row, notes[i%len(notes)]...)
	if w.transformed {
		row = append(row, ',')
		row = strconv.AppendInt(row, cents(i), 10)
		row = append(row, ',')
		row = append(row, contact...)
	}
	return append(row, '\n')
}

func cents(i int) int64 { return int64(i) * 7919 % 1_000_000 }

// appendNumbers appends order and user, appendTexts amount, currency, status and
// email, whose lower case it returns.
func appendNumbers(row []byte, i int, comma byte) []byte {
	row = append(strconv.AppendInt(row, int64(i+1), 10), comma)
	return append(strconv.AppendInt(row, int64(i*31%100_000+1), 10), comma)
}

func appendTexts(row []byte, i int, comma byte) (_, contact []byte) {
	c := cents(i)
	row = strconv.AppendInt(row, c/100, 10)
	row = append(row, '.', byte('0'+c/10%10), byte('0'+c%10), comma)
	row = append(append(row, coins[i%len(coins)]...), comma)
	row = append(append(row, statuses[i%len(statuses)]...), comma)
	from := len(row)
	row = append(row, names[i%len(names)]...)
	row = strconv.AppendInt(row, int64(i%1000), 10)
	row = append(row, "@example.org"...)
	return row, bytes.ToLower(row[from:])
}

// sums are those of the transformed rows, as sumsSQL takes them of the table.
func (w writer) sums() (s sums) {
	var row []byte
	for i := range w.rows {
		row = appendNumbers(row[:0], i, '|')
		row = append(strconv.AppendInt(row, epoch.Unix()+int64(i), 10), '|')
		row, contact := appendTexts(row, i, '|')
		row = append(row, '|')
		if note := notes[i%len(notes)]; note != "" { // else it is NULL, which concat_ws leaves out
			row = append(append(row, unquoted(note)...), '|')
		}
		row = append(append(strconv.AppendInt(row, cents(i), 10), '|'), contact...)
		sum := md5.Sum(row)
		s.hash += int64(binary.BigEndian.Uint32(sum[:]))
		s.minor += cents(i)
	}
	s.rows, s.keys = int64(w.rows), int64(w.rows)
	return s
}

func unquoted(cell string) string {
	if inner, quoted := strings.CutPrefix(cell, `"`); quoted {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return cell
}
