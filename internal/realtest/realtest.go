// Package realtest gives any test a real Kafka broker, PostgreSQL server,
// DynamoDB Local or S3 server by one call, and nothing to clean up.
//
//	brokers := realtest.Kafka(t)   // shared by the test binary: use realtest.Name(t) for topics
//	dsn := realtest.Postgres(t)    // a fresh database on a shared server
//	url := realtest.DynamoDB(t)    // shared: use realtest.Name(t) for tables
//	url := realtest.S3(t)          // shared: use realtest.Name(t) for buckets
//	own := realtest.StartKafka(t)  // a broker to be killed: own.Kill9(), own.Restart()
//
// What a server needs is fetched once into a cache outside the tree. Servers
// listen on loopback at free ports, keep their data in a temporary folder, and
// end with the test binary, however it ends. Where a server cannot be had, the
// test is skipped and says how to get it; with CI=true it fails.
package realtest

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readyWithin bounds the wait for a server's first answer, and each question to
// it: many times what that takes, as a busy machine starts a JVM in a minute.
const readyWithin = 3 * time.Minute

// Name returns a name that no other test uses, fit for a topic, a database or
// a bucket: lower case letters, digits and hyphens.
func Name(t testing.TB) string {
	t.Helper()
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(t.Name()), "-")
	name = strings.Trim(name, "-")
	return fmt.Sprintf("%.40s-%s", name, strings.ToLower(rand.Text()[:8]))
}

// errMissing marks an error of the machine that the tests run on: a program
// or a network that is not there.
var errMissing = errors.New("not to be had here")

// need skips the test, or fails it in CI, when a part cannot be had.
func need(t testing.TB, part string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skipf("SKIP: no real %s: %v", part, err)
	default:
		t.Fatalf("real %s: %v", part, err)
	}
}

// Program returns the path of a program of the machine's, as kcat, that the
// named Debian package brings.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		need(t, name, missing("install Debian's package %s", debianPackage))
	}
	return path
}

func missing(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMissing, fmt.Sprintf(format, args...))
}

// cacheDir is where fetched parts are kept between runs.
func cacheDir() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", missing("%v: set XDG_CACHE_HOME", err)
		}
		base = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(base, "penstock-realtest")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", missing("%v", err)
	}
	return dir, nil
}

// once does work in the cache under a file lock, so that test binaries that
// run side by side fetch a part one time. The work is to leave done behind.
func once(done string, work func() error) error {
	lock, err := os.OpenFile(done+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close() // lets go of the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	return work()
}

// A process is a server under a watch: a shell that waits at a pipe this
// process holds, and ends the server when the pipe closes. So the server ends
// with the test binary even when that is killed, panics or forgets.
type process struct {
	shell *exec.Cmd
	hold  io.Closer
	pid   int
	log   string
}

const watch = `folder=$1 signal=$2; shift 2
"$@" >>"$folder/log" 2>&1 </dev/null & pid=$!
echo $pid
cat >/dev/null
kill -$signal $pid 2>/dev/null
wait $pid
if [ -n "$REALTEST_REMOVE" ]; then rm -rf "$folder"; fi`

// launch describes a server to start.
type launch struct {
	folder string              // its data; its output goes to folder/log
	remove bool                // the folder goes when the server does
	signal syscall.Signal      // what ends it
	as     *syscall.Credential // nil: as we are
	args   []string
}

func (l launch) start() (*process, error) {
	shell := exec.Command("sh", append([]string{"-c", watch, "sh", l.folder, strconv.Itoa(int(l.signal))}, l.args...)...)
	shell.Dir = l.folder
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: l.as} // a Ctrl-C is for the tests alone
	if l.remove {
		shell.Env = append(os.Environ(), "REALTEST_REMOVE=1")
	}
	hold, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, err
	}
	p := &process{shell: shell, hold: hold, log: filepath.Join(l.folder, "log")}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		p.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w", l.args[0], err)
	}
	return p, nil
}

// stop ends the server and returns once it is gone.
func (p *process) stop() {
	p.hold.Close()
	_ = p.shell.Wait() // the server was killed: that it says so is no news
}

// kill9 kills the server as a power cut would, and returns once it is gone.
func (p *process) kill9() error {
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill server %d: %w", p.pid, err)
	}
	p.stop()
	return nil
}

// ready calls try until it succeeds, the server dies or the time is up.
func (p *process) ready(try func() error) error {
	deadline := time.Now().Add(readyWithin)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		dead := syscall.Kill(p.pid, 0) != nil
		if dead || time.Now().After(deadline) {
			said, _ := os.ReadFile(p.log)
			if len(said) > 2000 {
				said = said[len(said)-2000:]
			}
			p.stop()
			return fmt.Errorf("the server did not get ready: %w; its last words:\n%s", err, said)
		}
		<-tick.C
	}
}
