// Package stats computes mean, median and mode, and what goes with them,
// exactly.
//
//	s, err := stats.Compute(amounts, stats.Options{})   // []float64, neither changed nor kept
//	fmt.Println(s.Mean, s.Median, s.Mode, s.ModeCount)
//	var a stats.Accumulator                              // the zero Accumulator is ready
//	a.Add(12.5); a.AddSlice(more); err = a.Merge(&other) // any order, any shards: the same bits
//	s, err = a.Summary()
//
// The mean, the sum and the standard deviation of finite values are the exact
// rational results, rounded once to the nearest float64: the same bits for
// every order of the values, on every machine. A median never overflows.
// Nothing is computed from bad input without being told: no values are
// ErrEmpty, a NaN is a *NaNError that says where, unless Options chooses
// otherwise.
//
// Compute takes time linear in the number of values whatever the values are,
// and allocates nothing in the steady state: a few values stay on the stack, for
// many it works in buffers that it keeps between calls, 8 to 24 bytes a value.
// Mean and Median alone are cheaper still. Where the machine has AVX-512 it is
// used; the results are the same bits without.
// ComputeInts is for integers, of which float64 cannot hold those beyond 2^53.
//
// An Accumulator takes values one by one in bounded memory. It is exact as
// long as there are no more different values than Options.MaxDistinct; beyond
// that count, minimum, maximum, sum, mean and deviation stay exact, and the
// Summary says that median and mode are not, with their error bounds.
package stats

// The way through the files, for who changes something:
//
//	summary, figures, errors, options   what is asked and answered
//	compute                             Compute, and its way for middling numbers of values: sort, then scan
//	few, compensated                    up to 96 values, on the stack
//	large                               8192 and more, without sorting: one pass by blocks, for which there are
//	  partials                            sums by lanes of vectors, with a bound
//	  bracket                             the median, between two values of a sample
//	  crowd                               the mode, by marks and counts of hashes
//	  grid                                all of that by counters, for decimals such as prices
//	sums, round                         the exact sums that the others fall back on, and one rounding
//	sort, select, quantile              order: a radix sort, selection by leading bits, positions
//	single, ints                        Mean, Median, Modes alone; integers
//	accumulator, counts, binary         values one by one: a table of counts, then cells; its form in bytes
//	histogram, text                     what the program needs besides
//	vector_*, crowd_amd64.s             AVX-512, and panics where there is none: each use has a plain twin beside it
