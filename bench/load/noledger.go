package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
)

// withoutLedger are the functions that the ledger's cost is in, and what stands
// in their place in a program that has none: the rows are committed and made
// durable as ever, but nobody could go on after a crash.
var withoutLedger = map[string]map[string]string{
	"postgres/chunk.go": {
		"Claim": `return penstock.ChunkFree, nil`,
		"leave": ``,
		"enter": `batch := &pgx.Batch{}
		batch.Queue("SET LOCAL synchronous_commit = off").Exec(func(pgconn.CommandTag) error { return nil })
		return events, conn.SendBatch(ctx, batch).Close()`,
	},
	"postgres/secure.go": {
		"Secure": `if _, err := t.pool.Exec(ctx, "UPDATE "+t.ledger.sources+" SET at = at"); err != nil {
			return nil, fmt.Errorf("make the rows durable: %w", err)
		}
		return nil, nil`,
	},
	"cmd/penstock/load_ledger.go": {
		"forget": `return 0`,
	},
}

// buildWithoutLedger builds the program with those functions replaced, by the
// compiler's overlay: the tree stays as it is.
func buildWithoutLedger(ctx context.Context, dir, program string) error {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, bodies := range withoutLedger {
		text, err := replaceBodies(file, bodies)
		if err != nil {
			return err
		}
		original, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		replaced := filepath.Join(dir, "without-"+filepath.Base(file))
		if err := os.WriteFile(replaced, text, 0o600); err != nil {
			return err
		}
		overlay.Replace[original] = replaced
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-overlay", name, "-o", program, "./cmd/penstock").CombinedOutput(); err != nil {
		return fmt.Errorf("build penstock without its ledger: %w: %s", err, out)
	}
	return nil
}

// replaceBodies returns a file's text with the bodies of these functions
// replaced, every one of which must be there.
func replaceBodies(file string, bodies map[string]string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, 0)
	if err != nil {
		return nil, err
	}
	var out []byte
	done, found := 0, 0
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		body, ok := bodies[f.Name.Name]
		if !ok {
			continue
		}
		found++
		from, to := fset.Position(f.Body.Lbrace).Offset+1, fset.Position(f.Body.Rbrace).Offset
		out = append(append(out, text[done:from]...), "\n"+body+"\n"...)
		done = to
	}
	if found != len(bodies) {
		return nil, fmt.Errorf("%s has %d of the %d functions that are to be replaced", file, found, len(bodies))
	}
	return append(out, text[done:]...), nil
}
