package realtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

const versitygwVersion = "1.8.0"

// The credentials that the S3 server takes.
const (
	S3AccessKey = "penstock"
	S3SecretKey = "penstock-secret"
)

var sharedS3 = sync.OnceValues(newS3)

// S3 returns the URL of a real S3-protocol server, versitygw over a folder,
// that the tests of this binary share: use Name for buckets, and path-style
// addresses.
func S3(t testing.TB) string {
	t.Helper()
	server, err := sharedS3()
	need(t, "S3 server", err)
	return server.url
}

func newS3() (*webServer, error) {
	program, err := versitygw()
	if err != nil {
		return nil, err
	}
	port, err := reservePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "penstock-s3-")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	server, err := launch{folder: folder, remove: true, signal: syscall.SIGKILL, args: []string{
		"env", "ROOT_ACCESS_KEY=" + S3AccessKey, "ROOT_SECRET_KEY=" + S3SecretKey, program, "--port", addr, "posix", data,
	}}.start()
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	url := "http://" + addr
	return &webServer{server, url}, server.ready(func() error { return answers(url) })
}

// versitygw returns the path of the server, built into the cache when it is not
// there.
func versitygw() (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "versitygw-"+versitygwVersion)
	return filepath.Join(folder, "versitygw"), once(folder, func() error { return buildVersitygw(cache, folder) })
}

// buildVersitygw leaves the program in the folder, or no folder.
func buildVersitygw(cache, folder string) error {
	part, err := os.MkdirTemp(cache, "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	build := exec.Command("go", "install", "github.com/versity/versitygw/cmd/versitygw@v"+versitygwVersion)
	build.Dir = part // outside the module, whose versions do not matter here
	build.Env = append(os.Environ(), "GOBIN="+part, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return missing("cannot build versitygw, is there a network? %v: %.1000s", err, out)
	}
	return os.Rename(part, folder)
}
