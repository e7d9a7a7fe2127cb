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
	program, err := c.program(ctx, sh)
	if err != nil {
		return err
	}
	if err := deploy.CheckBootstrap(program, c.arch); err != nil {
		return err
	}
	files := []deploy.File{{Name: "bootstrap", Mode: 0o755, Body: program}}
	if l.streams != "" {
		if _, err := stream.Load(l.streams); err != nil {
			return err
		}
		streams, err := streamFiles(l.streams)
		if err != nil {
			return err
		}
		files = append(files, streams...)
	}
	archive, err := deploy.Archive(files)
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

// streamFiles are the stream files and what stands beside them for look-ups:
// all of a folder but Go's files, notes and what is hidden.
func streamFiles(dir string) ([]deploy.File, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, usagef("--streams %s: a package takes a folder, with the files that look-ups need", dir)
	}
	var files []deploy.File
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
