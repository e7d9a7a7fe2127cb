// Package orders ships the orders stream, the one example that every part of
// the product uses, inside the program.
package orders

import "embed"

// Files holds orders.yaml, the stream file, and customers.csv, its look-up.
//
//go:embed orders.yaml customers.csv
var Files embed.FS
