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

// BenchmarkParse reads every cell of a text in memory; TestParseRatios prints
// the ratios.
func BenchmarkParse(b *testing.B) {
	text := benchText(100_000)
	read := func(name string, cells func() int) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				cells()
			}
		})
	}
	defer func() { vectors = bestVectors() }()
	var c Chunk
	for vectors = range bestVectors() + 1 {
		read("vectors="+vectors.String(), func() int { return cellsByScanner(b, text, &c) })
	}
	read("encoding-csv", func() int { return cellsByEncodingCSV(b, text) })
}

// cellsByScanner uses the chunk's memory again, as the reading of a file does.
func cellsByScanner(t testing.TB, text []byte, c *Chunk) (cells int) {
	s, err := NewScanner(bytes.NewReader(text), headless)
	for err == nil {
		if err = s.Next(c); err == nil {
			cells += len(c.ends)
		}
	}
	return checkCells(t, cells, err)
}

func cellsByEncodingCSV(t testing.TB, text []byte) (cells int) {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	for {
		record, err := r.Read()
		if err != nil {
			return checkCells(t, cells, err)
		}
		cells += len(record)
	}
}

func checkCells(t testing.TB, cells int, err error) int {
	if !errors.Is(err, io.EOF) || cells != 800_000 {
		t.Fatal(cells, err)
	}
	return cells
}
