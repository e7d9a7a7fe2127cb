package main

import (
	"context"
	"fmt"
	"slices"
)

// A side is one of the things measured in turn.
type side struct {
	name string
	rows int
	run  func(context.Context) (measured, error)
	took []measured
}

// interleave measures the sides in turn, round after round, each second round in
// the opposite order.
func (b *bench) interleave(ctx context.Context, sides ...*side) error {
	for range b.rounds {
		for _, s := range sides {
			m, err := s.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.took = append(s.took, m)
		}
		slices.Reverse(sides)
	}
	return nil
}

func seconds(m measured) float64 { return m.seconds }

func (s *side) median(of func(measured) float64) float64 {
	var v []float64
	for _, m := range s.took {
		v = append(v, of(m))
	}
	return median(v)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func (s *side) rate() float64 { return float64(s.rows) / s.median(seconds) }

// ratio is the median over the rounds of what this side takes for a row to what
// the rival takes.
func (s *side) ratio(rival *side, of func(measured) float64) float64 {
	var ratios []float64
	for i := range s.took {
		ratios = append(ratios, of(s.took[i])/of(rival.took[i])*float64(rival.rows)/float64(s.rows))
	}
	return median(ratios)
}

func (s *side) print(note string) {
	client, served := func(m measured) float64 { return m.client }, func(m measured) float64 { return m.served }
	fmt.Printf("  %-48s %7.2f s %9.0f rows/s  processor %5.2f s client %5.2f s server %4.0f MB  %s\n", s.name, s.median(seconds), s.rate(),
		s.median(client), s.median(served), s.median(func(m measured) float64 { return float64(m.rss) / 1e6 }), note)
}
