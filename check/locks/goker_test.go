package locks_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/locks"
)

// blocking are the kernels of GoKer in the Go distribution that hang on locks
// alone, each with a word of the locks that a finding must name.
var blocking = map[string]string{
	// two goroutines, opposite orders
	"cockroach10214": "coalescedMu.Mutex then", "cockroach7504": "tableNameCache.mu", "kubernetes30872": "Queue.lock",
	"kubernetes13135": "store.RWMutex", "moby4951": "info.lock then devices.Mutex", "hugo3251": "RWMutex",
	// a goroutine and itself, or a lock kept
	"grpc3017": "ccc.mu", "grpc795": "s.mu", "etcd10492": "le.mu", "etcd6708": "c.RWMutex", "etcd5509": "r.client.mu",
	"cockroach9935": "l.mu", "cockroach584": "g.mu", "syncthing4829": "m.mut", "moby36114": "svm.Mutex", "moby17176": "devices.Mutex",
	"moby7559": "proxy.connTrackLock", "hugo5379": "contentInitMu",
	// a reader again behind a writer
	"cockroach16167": "systemConfigMu", "cockroach6181": "rangeCacheMu", "cockroach3710": "store.mu.RWMutex",
	"kubernetes62464": "s.RWMutex", "kubernetes58107": "workerLock",
}

// mixed are kernels in which a goroutine holds a lock over a channel, and who is to let
// it go on needs that lock.
var mixed = map[string]string{"istio16224": "lock", "grpc1460": "t.mu"}

// missed are the blocking kernels that are not found, and why.
var missed = map[string]string{
	"kubernetes58107": "a condition that is never signalled keeps the read lock: no lock order",
	"hugo5379":        "the object is reached again through two fields of other objects and a map of closures",
}

// TestGoKer holds the engine and the Go reader against the blocking bugs of
// real projects that Go itself tests its leak profile with (Yuan et al.,
// GoBench, CGO 2021): the locks of 21 of 23 lock bugs, and not a word on the
// 40 programs that hang on channels or do not hang.
func TestGoKer(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("SKIP: no go command: ", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(root)), "src/runtime/testdata/testgoroutineleakprofile/goker")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("SKIP: this Go has no GoKer: ", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := goread.Load(context.Background(), goread.Options{Dir: dir, Patterns: files})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]finding.Finding{}
	for _, f := range locks.Analyse(r.Locks, locks.Options{}) {
		kernel := strings.TrimSuffix(filepath.Base(f.At.File.Path), ".go")
		found[kernel] = append(found[kernel], f)
	}
	for kernel, lock := range blocking {
		named := slices.ContainsFunc(found[kernel], func(f finding.Finding) bool { return f.Level.Fails() && strings.Contains(f.Message, lock) })
		if _, known := missed[kernel]; named == known {
			t.Errorf("%s: found on %s is %v, known to be missed is %v; findings: %v", kernel, lock, named, known, messages(found[kernel]))
		}
	}
	for kernel, fs := range found {
		lock, both := mixed[kernel]
		if both && len(fs) == 1 && fs[0].Rule == locks.RuleWait && strings.Contains(fs[0].Message, " holds "+lock+" ") {
			continue
		}
		if _, ok := blocking[kernel]; !ok {
			t.Errorf("%s hangs on no lock, but: %v", kernel, messages(fs))
		}
	}
}

func messages(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, f.Level.String()+": "+f.Message)
	}
	return out
}
