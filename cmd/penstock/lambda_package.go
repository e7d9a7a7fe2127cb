package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/deploy"
	"github.com/penstock-io/penstock/stream"
)

// packageConfig is what `penstock lambda package` is told.
type packageConfig struct {
	out, arch, bootstrap, version string
}

// goarch is Go's name of Lambda's architectures.
var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// run makes the function's package: the program as bootstrap, and the streams.
func (c *packageConfig) run(ctx context.Context, sh shell, l *lambdaConfig, args []string) error {
	if len(args) > 0 || c.out == "" || goarch[c.arch] == "" {
		return usagef("lambda package needs --out FILE, --arch arm64 or x86_64, and no arguments")
	}
	if c.bootstrap != "" && c.version != "" {
		return usagef("--release is put into a program that is built here, and --bootstrap is one that is built already")
	}
	files, err := streamFiles(l.streams)
	if err != nil {
		return err
	}
	program, err := c.program(ctx, sh)
	if err != nil {
		return err
	}
	if err := deploy.CheckBootstrap(program, c.arch); err != nil {
		return err
	}
	archive, err := deploy.Archive(append(files, deploy.File{Name: "bootstrap", Mode: 0o755, Body: program}))
	if err != nil {
		return err
	}
	bill, err := deploy.Bill(program)
	if err != nil {
		return err
	}
	if err := replaceFile(c.out, archive); err != nil {
		return err
	}
	if err := replaceFile(strings.TrimSuffix(c.out, ".zip")+".cdx.json", bill); err != nil {
		return err
	}
	fmt.Fprintf(sh.stdout, "%x  %s\n", sha256.Sum256(archive), c.out)
	return nil
}

// program is the bootstrap: a file, or built from the source in this folder so
// that it depends on nothing but source and Go's version.
func (c *packageConfig) program(ctx context.Context, sh shell) ([]byte, error) {
	if c.bootstrap != "" {
		return os.ReadFile(c.bootstrap)
	}
	dir, err := os.MkdirTemp("", "penstock-package-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc",
		"-ldflags=-s -w -buildid= -X 'main.version="+c.version+"'", "-o", out, "github.com/penstock-io/penstock/cmd/penstock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch[c.arch],
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	build.Stdout, build.Stderr = sh.stderr, sh.stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build the bootstrap: %w (run it in Penstock's source, or give --bootstrap FILE)", err)
	}
	return os.ReadFile(out)
}

// streamFiles are the stream files of a folder, and the files of their look-ups;
// none where no folder is named.
func streamFiles(dir string) ([]deploy.File, error) {
	if dir == "" {
		return nil, nil
	}
	streams, err := stream.Load(dir)
	if err != nil {
		return nil, err
	}
	if !isDir(dir) {
		return nil, usagef("--streams %s: a package takes a folder, with the files that look-ups need", dir)
	}
	files, err := dataFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, s := range streams {
		for _, l := range s.Lookups {
			name, err := filepath.Rel(dir, l.File)
			packed := err == nil && slices.ContainsFunc(files, func(f deploy.File) bool { return f.Name == path.Join("streams", filepath.ToSlash(name)) })
			if l.File != "" && !packed {
				return nil, usagef("stream %s: look-up %s needs the file %s, which the package would not have: put it into the folder %s, as .csv or .json", s.Name, l.Name, l.File, dir)
			}
		}
	}
	return files, nil
}

// dataFiles are all files of a folder but Go's, notes and what is hidden.
func dataFiles(dir string) (files []deploy.File, err error) {
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch path.Ext(name) {
		case ".yaml", ".yml", ".json", ".csv":
		default:
			return nil
		}
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files = append(files, deploy.File{Name: path.Join("streams", name), Mode: 0o644, Body: body})
		return err
	})
	return files, err
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing after the rename
	_, err = f.Write(body)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}
