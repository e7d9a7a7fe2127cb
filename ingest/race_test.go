//go:build race

package ingest_test

// raceDetector makes sync.Pool forget at random.
const raceDetector = true
