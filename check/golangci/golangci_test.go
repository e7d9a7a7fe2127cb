package golangci_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/penstock-io/penstock/check/golangci"
)

// TestPlugin goes golangci-lint's way: by name to the plugin, from there to its
// analyzers, with types, over a package.
func TestPlugin(t *testing.T) {
	made, err := register.GetPlugin(golangci.Name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := made(nil)
	if err != nil {
		t.Fatal(err)
	}
	if mode := p.GetLoadMode(); mode != register.LoadModeTypesInfo {
		t.Errorf("load mode %q: the analyzer needs types", mode)
	}
	analyzers, err := p.BuildAnalyzers()
	if err != nil || len(analyzers) == 0 {
		t.Fatalf("%d analyzers, %v", len(analyzers), err)
	}
	data, err := filepath.Abs("../vet/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range analyzers {
		analysistest.Run(t, data, a, "a")
	}
}

func TestSettings(t *testing.T) {
	for _, none := range []any{nil, map[string]any{}} {
		if _, err := golangci.New(none); err != nil {
			t.Errorf("%v: %v", none, err)
		}
	}
	if _, err := golangci.New(map[string]any{"levl": "possible"}); err == nil {
		t.Error("a setting that there is not was passed over")
	}
}

// TestReadme holds the two files that README.md shows against those that
// TestGolangciLint uses.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".custom-gcl.yml", ".golangci.yml"} {
		text, err := os.ReadFile(filepath.Join("testdata/shop", name))
		if err != nil {
			t.Fatal(err)
		}
		if want := "`" + name + "`:\n\n```yaml\n" + string(text) + "```\n"; !bytes.Contains(readme, []byte(want)) {
			t.Errorf("README.md does not show %s as it is in testdata/shop", name)
		}
	}
}

// TestGolangciLint builds golangci-lint with the plugin, as `golangci-lint custom`
// does, but from the Go module proxy instead of a clone, and has it find and mend
// what there is in testdata/shop. Building takes minutes, so `make golangci-lint` asks
// for it.
func TestGolangciLint(t *testing.T) {
	if os.Getenv("PENSTOCK_GOLANGCI_LINT") == "" {
		t.Skip("SKIP: building golangci-lint takes minutes: make golangci-lint does it")
	}
	lint := built(t)
	shop := filepath.Join(t.TempDir(), "shop")
	if err := os.CopyFS(shop, os.DirFS("testdata/shop")); err != nil {
		t.Fatal(err)
	}
	if got, want := rules(t, lint, shop), []string{"lock-order", "sql-injection"}; !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	if left := rules(t, lint, shop, "--fix"); len(left) != 0 {
		t.Errorf("after --fix there is %v", left)
	}
	text, err := os.ReadFile(filepath.Join(shop, "shop.go"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `s.db.Query("SELECT * FROM orders WHERE user_id = ?", user)`; !bytes.Contains(text, []byte(want)) {
		t.Errorf("--fix did not write %s:\n%s", want, text)
	}
	if out, err := command(shop, "go", "vet", ".").CombinedOutput(); err != nil {
		t.Errorf("the mended package: %v\n%s", err, out)
	}
}

// built builds golangci-lint of the version that .custom-gcl.yml names, with
// this working copy's plugin.
func built(t *testing.T) string {
	config, err := os.ReadFile("testdata/shop/.custom-gcl.yml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^version: (\S+)$`).FindSubmatch(config)[1]
	var module struct{ Dir string }
	told, err := command(".", "go", "mod", "download", "-json", "github.com/golangci/golangci-lint/v2@"+string(version)).Output()
	if err != nil {
		t.Fatalf("golangci-lint %s cannot be had: %v\n%s", version, err, told)
	}
	if err := json.Unmarshal(told, &module); err != nil {
		t.Fatal(err)
	}
	src, ours := filepath.Join(t.TempDir(), "golangci-lint"), ""
	if err := os.CopyFS(src, os.DirFS(module.Dir)); err != nil {
		t.Fatal(err)
	}
	if ours, err = filepath.Abs("../.."); err != nil {
		t.Fatal(err)
	}
	const plugins = "package main\n\nimport _ \"github.com/penstock-io/penstock/check/golangci\"\n"
	main := filepath.Join(src, "cmd/golangci-lint")
	if err := os.Remove(filepath.Join(main, "plugins.go")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(main, "plugins.go"), []byte(plugins), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"mod", "edit", "-replace", "github.com/penstock-io/penstock=" + ours, "-require", "github.com/penstock-io/penstock@v0.0.0"},
		{"build", "-mod=mod", "-o", "lint", "./cmd/golangci-lint"},
	} {
		if out, err := command(src, "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return filepath.Join(src, "lint")
}

// rules runs golangci-lint over a module and returns the rules of what it says.
func rules(t *testing.T, lint, dir string, flags ...string) []string {
	out, err := command(dir, lint, append([]string{"run", "--output.json.path", "stdout", "--show-stats=false"}, flags...)...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("golangci-lint: %v\n%s", err, out)
	}
	var said struct {
		Issues []struct{ FromLinter, Text string }
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&said); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	var got []string
	for _, issue := range said.Issues {
		if issue.FromLinter != golangci.Name {
			t.Errorf("%s says: %s", issue.FromLinter, issue.Text)
		}
		if strings.Contains(issue.Text, "(related information)") {
			continue // one step of the explanation, which golangci-lint lists beside the finding
		}
		got = append(got, strings.TrimSuffix(issue.Text[strings.LastIndexByte(issue.Text, '[')+1:], "]"))
	}
	slices.Sort(got)
	return got
}

func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off")
	return cmd
}
