//go:build race

package ingest_test

// raceDetector makes sync.Pool forget at random and takes memory.
const raceDetector = true
