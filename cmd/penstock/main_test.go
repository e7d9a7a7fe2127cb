package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-io/penstock/internal/realtest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	if os.Getenv(asPenstock) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"penstock": main})
}

// TestScript runs testdata/script: each subcommand, exit code and user-facing
// error.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"DOOR", "ADMIN", "KAFKA", "SINK"} {
				e.Setenv(name, realtest.Addr(t))
			}
			e.Setenv("PENSTOCK_REQUEST_TIMEOUT", "1m") // a busy machine takes its time
			e.Setenv("PENSTOCK_READS_TIMEOUT", "1m")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":   scriptStatus,
			"compress": scriptCompress,
			"post":     scriptPost,
			"await":    scriptAwait,
			"hangup":   scriptHangup,
			"rows":     scriptRows,
			"produce":  scriptProduce,
		},
	})
}
