// Penstock takes events in, checks and enriches them by one set of rules, and
// puts them where they belong, each exactly once.
//
//	penstock serve                     # events in by HTTP, out to Kafka
//	penstock tail orders               # read a stream's topic
//	penstock replay orders             # send the rejects again
//	penstock journal verify DIR        # look into a journal
//	penstock -h                        # everything else
//
// This is the only place where the rooms are wired together and where
// configuration is read: flags first, then one environment variable per flag,
// PENSTOCK_ and the flag's name in capitals.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/penstock-io/penstock/check/vet"
)

func main() {
	if vetting(os.Args[1:]) {
		unitchecker.Main(vet.Analyzer)
	}
	tune(os.Getenv)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once instead of waiting for the drain.
	context.AfterFunc(ctx, stop)
	code := run(ctx, arguments(os.Args[1:], os.Getenv), shell{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, lookupEnv: os.LookupEnv})
	stop()
	os.Exit(code)
}

// vetting reports whether go vet -vettool calls: it asks for the version, for
// the flags, or hands over the description of one package.
func vetting(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	return len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags") || strings.HasSuffix(last, ".cfg") && strings.HasPrefix(filepath.Base(last), "vet")
}

// tune sets Go's runtime for what this program does, unless the environment
// has set it.
func tune(getenv func(string) string) {
	// An fdatasync holds one of Go's processors until the scheduler notices;
	// with only one for each core the door would stand still while journals sync.
	if getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}

// arguments are what the program was called with. Lambda calls its bootstrap
// with none, and says where it is in a variable.
func arguments(args []string, getenv func(string) string) []string {
	if len(args) == 0 && getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		return []string{"lambda", "bootstrap"}
	}
	return args
}
