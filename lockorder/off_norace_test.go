//go:build !lockorder && !race

package lockorder_test

var raceFlag []string
