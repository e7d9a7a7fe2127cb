package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestArchiveDependsOnItsFilesAlone(t *testing.T) {
	a := File{"bootstrap", 0o755, bytes.Repeat([]byte("program "), 1000)}
	b := File{"streams/orders.yaml", 0o644, []byte("stream: orders\n")}
	first, err := Archive([]File{a, b})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Archive([]File{b, a})
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the order of the files shows in the bytes: %v", err)
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"bootstrap -rwxr-xr-x 1980-01-01", "streams/orders.yaml -rw-r--r-- 1980-01-01"} {
		f := r.File[i]
		if got := f.Name + " " + f.Mode().String() + " " + f.Modified.Format("2006-01-02"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestArchiveRefusesNames(t *testing.T) {
	for _, files := range [][]File{{{Name: "../x"}}, {{Name: "/x"}}, {{Name: ""}}, {{Name: "x"}, {Name: "x"}}} {
		if _, err := Archive(files); err == nil {
			t.Errorf("%q are packed", files)
		}
	}
	if _, err := Archive([]File{{Name: "x", Body: make([]byte, PackageBytesMax+1)}}); err == nil || !strings.Contains(err.Error(), "Lambda unpacks no more") {
		t.Errorf("a package that is too large: %v", err)
	}
}

func TestBootstrapIsOfItsMachine(t *testing.T) {
	if err := CheckBootstrap([]byte("#!/bin/sh\n"), "arm64"); err == nil || !strings.Contains(err.Error(), "no program for Linux") {
		t.Errorf("a script: %v", err)
	}
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for architecture := range machines {
		if err := CheckBootstrap(self, architecture); err != nil && strings.Contains(err.Error(), "but the function is "+architecture) {
			refused++
		}
	}
	if refused != len(machines)-1 {
		t.Errorf("this test's own program is refused for %d architectures, want all but one", refused)
	}
}

func TestBillNamesWhatIsInside(t *testing.T) {
	program := yamlProgram(t)
	first, err := Bill(program)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Bill(program); err != nil || !bytes.Equal(first, second) {
		t.Errorf("two bills of one program differ: %v", err)
	}
	var b bill
	if err := json.Unmarshal(first, &b); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, c := range b.Components {
		found[c.Name] = strings.HasPrefix(c.URL, "pkg:golang/"+c.Name+"@") && c.Version != ""
	}
	if b.Format != "CycloneDX" || !found["stdlib"] || !found["go.yaml.in/yaml/v3"] {
		t.Errorf("a bill without the YAML library and Go's own: %s", first)
	}
	if _, err := Bill([]byte("text")); err == nil {
		t.Error("a text has a bill of materials")
	}
}

// yamlProgram is a program that uses a library of this module's.
func yamlProgram(t *testing.T) []byte {
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\nimport \"go.yaml.in/yaml/v3\"\nfunc main() { _, _ = yaml.Marshal(1) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "program")
	if said, err := exec.Command("go", "build", "-o", out, source).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	program, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return program
}
