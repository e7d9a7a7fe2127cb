//go:build lockorder && !race

package lockorder

const raceDetector = false
