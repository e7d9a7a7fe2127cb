package postgres

import (
	"fmt"
	"strings"

	"github.com/penstock-io/penstock/stream"
)

// pageIndexes are the statements of the indexes that make a page cost the same
// at any depth and, of a filter, however few rows have its value.
func pageIndexes(s *stream.Stream) []string {
	var all []string
	table := identifier(s.Table.Name)
	for i, r := range s.Reads {
		for k, found := range r.FoundBy() {
			suffix := fmt.Sprintf("_page_%d", i+1)
			if k > 0 {
				suffix += fmt.Sprintf("_%d", k)
			}
			var columns []string
			for _, slot := range found {
				columns = append(columns, quote(s.Fields[slot].Name))
			}
			for _, slot := range append([]int{r.Newest}, s.Table.PrimaryKey...) {
				columns = append(columns, quote(s.Fields[slot].Name)+" DESC")
			}
			name := shorten(table[len(table)-1], nameBytesMax-len(suffix)) + suffix
			all = append(all, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (%s)", quote(name), table.Sanitize(), strings.Join(columns, ", ")))
		}
	}
	return all
}
