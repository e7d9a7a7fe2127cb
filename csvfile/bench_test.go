package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"testing"
)

// benchText is records of 8 cells and about 82 bytes: three in ten notes empty, one
// cell in ten quoted, some with commas, doubled quotes and line breaks.
func benchText(rows int) []byte {
	notes := []string{"", "", "", "leave it at the door", "\"ring twice, please\"", "\"said \"\"hello\"\"\"", "thanks", "\"two\nlines\"", "\"a, b and c\"", "fragile"}
	var text []byte
	for i := range rows {
		text = strconv.AppendInt(text, int64(i), 10)
		text = append(text, ',')
		text = strconv.AppendInt(text, int64(i*7919%100_000), 10)
		text = append(text, ",2026-03-01T12:34:56Z,"...)
		text = strconv.AppendInt(text, int64(i%500), 10)
		text = append(text, ".25,EUR,shipped,ada@example.org,"...)
		text = append(text, notes[i%len(notes)]...)
		text = append(text, '\n')
	}
	return text
}

// BenchmarkParse reads every cell of a text in memory: the ratio to beat is
// that to encoding/csv, 3 without vectors and 6 with.
func BenchmarkParse(b *testing.B) {
	text := benchText(100_000)
	scan := func(use bool) func(b *testing.B) {
		return func(b *testing.B) {
			if use && !vectors {
				b.Skip("this machine has no vectors")
			}
			had := vectors
			vectors = use
			defer func() { vectors = had }()
			b.SetBytes(int64(len(text)))
			var c Chunk
			for b.Loop() {
				s, err := NewScanner(bytes.NewReader(text), Options{Columns: []string{}})
				if err != nil {
					b.Fatal(err)
				}
				cells := 0
				for {
					if err := s.Next(&c); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					cells += len(c.ends)
				}
				if cells != 800_000 {
					b.Fatal(cells)
				}
			}
		}
	}
	b.Run("vectors", scan(true))
	b.Run("scalar", scan(false))
	b.Run("encoding-csv", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(text))
			r.ReuseRecord = true
			cells := 0
			for {
				record, err := r.Read()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				cells += len(record)
			}
			if cells != 800_000 {
				b.Fatal(cells)
			}
		}
	})
}
