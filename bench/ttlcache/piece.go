package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// pieces are the flags for each table.
func pieces() map[string]map[string]string {
	all := map[string]map[string]string{
		"due":        {"run": "due"},
		"hits":       {"run": "hits"},
		"memory-10m": {"run": "memory", "keys": "uint64", "sizes": "10000000"},
	}
	for _, kind := range strings.Split(*kinds, ",") {
		all["memory-"+kind] = map[string]string{"run": "memory", "keys": kind}
		for _, size := range strings.Split(*sizes, ",") {
			for _, p := range strings.Split(*procs, ",") {
				all[kind+"-"+size+"-"+p] = map[string]string{"run": "speed", "keys": kind, "sizes": size, "procs": p}
			}
		}
	}
	return all
}

// choose sets the flags of the piece with this name, and reports whether there
// is something to measure. No name is all pieces.
func choose(name string) bool {
	if name == "" {
		return true
	}
	all := pieces()
	chosen, ok := all[name]
	if !ok {
		fmt.Println("pieces:", strings.Join(slices.Sorted(maps.Keys(all)), " "))
		if name != "list" {
			os.Exit(2)
		}
		return false
	}
	for flagName, value := range chosen {
		*map[string]*string{"run": runs, "keys": kinds, "sizes": sizes, "procs": procs}[flagName] = value
	}
	if chosen["run"] == "due" || chosen["run"] == "hits" {
		*sizes = ""
	}
	return true
}
