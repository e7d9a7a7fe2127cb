package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A release is a run of release.yml by act on this machine, in a world where
// GitHub and AWS are folders, and the deployed function a server of this test.
type release struct {
	t                  *testing.T
	repo, stubs, cloud string

	mu     sync.Mutex // guards what follows
	smoked []string   // environments whose bucket got an object
	puts   map[string]string
	sick   string // the environment whose function fails
}

// TestReleaseUnderAct carries the real workflows out: the package is really
// built, twice; each shell step of a deployment runs as it stands; the smoke
// test is the real program's. It takes minutes: make act.
func TestReleaseUnderAct(t *testing.T) {
	if os.Getenv("PENSTOCK_ACT") == "" {
		t.Skip("builds the package and act: make act")
	}
	r := newRelease(t)
	t.Run("healthy", func(t *testing.T) {
		said, err := r.run()
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		r.checkHealthy(t)
		r.keepBuild()
	})
	if t.Failed() {
		return
	}
	t.Run("smoke test fails in staging", func(t *testing.T) {
		r.sick = "staging"
		said, err := r.run()
		r.sick = ""
		if err == nil {
			t.Fatalf("the release went through\n%s", said)
		}
		if !slices.Equal(r.smoked, []string{"dev", "staging"}) || strings.Contains(r.log(), " prod ") {
			t.Errorf("smoked %v; promotion did not stop:\n%s", r.smoked, r.log())
		}
		if n := strings.Count(r.log(), "\nexecute staging "); n != 2 || !strings.Contains(r.log(), "ParameterValue=CodeDeployDefault.LambdaAllAtOnce") {
			t.Errorf("staging did not go back, it was changed %d times:\n%s", n, r.log())
		}
	})
	t.Run("template is changed after it was attested", func(t *testing.T) {
		said, err := r.run("TAMPER=yes")
		if err == nil || strings.Contains(r.log(), "upload") || strings.Contains(r.log(), "role") {
			t.Errorf("%v: something nobody attested came to AWS:\n%s\n%s", err, r.log(), said)
		}
	})
	t.Run("another package lies under the digest", func(t *testing.T) {
		there, _ := filepath.Glob(filepath.Join(r.cloud, "buckets/penstock-dev-artifacts-*/*.zip"))
		if len(there) != 1 {
			t.Fatalf("%v: want the one package of before", there)
		}
		if err := os.WriteFile(there[0], []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := r.run()
		if err == nil || strings.Contains(r.log(), "plan") || !strings.Contains(said, "is not that package") {
			t.Errorf("%v: it was deployed:\n%s\n%s", err, r.log(), said)
		}
		if err := os.Remove(there[0]); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("change would replace a table", func(t *testing.T) {
		said, err := r.run("CHANGES=replaces")
		if err == nil || strings.Contains(r.log(), "execute") {
			t.Errorf("%v: a table was replaced:\n%s\n%s", err, r.log(), said)
		}
	})
}

// keepBuild has later runs take the package of this one: they are about what
// comes after.
func (r *release) keepBuild() {
	kept := r.t.TempDir()
	r.shell(r.repo, "cp -r "+filepath.Join(r.cloud, "artifacts", "package")+"/. "+kept+
		" && printf '#!/bin/sh\nmkdir dist && cp "+kept+"/* dist\n' > deploy/package-twice && git -c user.name=t -c user.email=t@localhost commit -qam kept")
}

// checkHealthy holds what happened against what is promised.
func (r *release) checkHealthy(t *testing.T) {
	t.Helper()
	if !slices.Equal(r.smoked, Environments) {
		t.Errorf("smoked %v, want %v", r.smoked, Environments)
	}
	log := r.log()
	uploads := regexp.MustCompile(`(?m)^upload (\S+) \S+ ([0-9a-f]{64})\.zip ([0-9a-f]{64})$`).FindAllStringSubmatch(log, -1)
	if len(uploads) != len(Environments) {
		t.Fatalf("%d uploads, want one for each environment:\n%s", len(uploads), log)
	}
	for i, u := range uploads {
		environment, named, digest := u[1], u[2], u[3]
		if environment != Environments[i] || named != digest || digest != uploads[0][3] {
			t.Errorf("%s got %s as %s; the first environment got %s", environment, digest, named, uploads[0][3])
		}
		upload := strings.Index(log, u[0])
		attest, verify := strings.Index(log, "attest "), strings.Index(log, "verify "+environment+" penstock.zip "+digest)
		role, execute := strings.Index(log, "role arn:aws:iam::111122223333:role/penstock-"+environment+"-deploy"), strings.Index(log, "execute "+environment+" "+digest)
		if attest < 0 || attest > verify || verify < 0 || verify > role || role > upload || upload > execute {
			t.Errorf("%s: attested at %d, verified at %d, role at %d, uploaded at %d, executed at %d of\n%s", environment, attest, verify, role, upload, execute, log)
		}
	}
	t.Logf("one digest in all environments: %s\n%s", uploads[0][3], log)
}

func newRelease(t *testing.T) *release {
	r := &release{t: t, repo: filepath.Join(t.TempDir(), "penstock"), puts: map[string]string{}}
	stubs, err := filepath.Abs("testdata/act")
	if err != nil {
		t.Fatal(err)
	}
	r.stubs = stubs
	r.shell("..", "mkdir -p "+r.repo+" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "+r.repo)
	r.shell(r.repo, "git init -q -b main && git add -A && git -c user.name=t -c user.email=t@localhost commit -qm x && git remote add origin https://github.com/penstock-io/penstock")
	return r
}

func (r *release) shell(dir, line string) {
	r.t.Helper()
	cmd := exec.Command("bash", "-euc", line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// run carries out release.yml once. The cloud stays as it is from one run to
// the next, but for its log.
func (r *release) run(env ...string) (said string, err error) {
	r.smoked = nil
	if r.cloud == "" {
		r.cloud = r.t.TempDir()
	}
	for _, name := range []string{"log", "attested", "artifacts", "act"} {
		if err := os.RemoveAll(filepath.Join(r.cloud, name)); err != nil {
			return "", err
		}
	}
	server := httptest.NewServer(r)
	defer server.Close()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return "", err
	}
	args := []string{"tool", "-modfile=" + abs(r.t, "../tools/act/go.mod"), "act", "push", "-W", ".github/workflows/release.yml",
		"-P", "ubuntu-24.04=-self-hosted", "--action-offline-mode", "--no-cache-server", "--action-cache-path", filepath.Join(r.cloud, "act"), "-s", "GITHUB_TOKEN=none",
		"--var", "AWS_ACCOUNT_ID=111122223333", "--var", "AWS_REGION=eu-central-1"}
	for _, action := range uses.FindAllStringSubmatch(workflows(r.t)["build"]+workflows(r.t)["deploy"], -1) {
		name, _, _ := strings.Cut(action[1], "@")
		if stub := filepath.Join(r.stubs, filepath.Base(name)); isFolder(stub) {
			args = append(args, "--local-repository", action[1]+"="+stub)
		}
	}
	for _, v := range append([]string{
		"CLOUD=" + r.cloud, "CHANGES=", "TAMPER=", "PENSTOCK_SECOND_CACHE=" + strings.TrimSpace(string(cache)),
		"AWS_ENDPOINT_URL_S3=" + server.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
	}, env...) {
		args = append(args, "--env", v)
	}
	cmd := exec.CommandContext(r.t.Context(), "go", args...)
	cmd.Dir = r.repo
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(r.stubs, "bin")+":"+os.Getenv("PATH"), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *release) log() string {
	text, err := os.ReadFile(filepath.Join(r.cloud, "log"))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return "\n" + string(text)
}

// ServeHTTP is S3, DynamoDB and the deployed function as the smoke test sees
// them: the object that was put is done at once, or has failed.
func (r *release) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	if in.Method == http.MethodPut {
		environment := strings.TrimSuffix(strings.TrimPrefix(strings.Split(in.URL.Path, "/")[1], "penstock-io-"), "-in")
		r.smoked = append(r.smoked, environment)
		r.puts["s3:/"+in.URL.Path] = string(body)
		return
	}
	var asked struct{ TableName string }
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	environment := r.smoked[len(r.smoked)-1]
	item := map[string]any{}
	if asked.TableName == "penstock-"+environment+"-ledger" {
		state := "done"
		if environment == r.sick {
			state = "failed"
		}
		progress := fmt.Sprintf(`{"state":%q,"why":"made so","tally":{"Read":2,"Delivered":1,"Rejected":1}}`, state)
		item["text"], item["version"] = map[string]string{"S": progress}, map[string]string{"N": "3"}
	} else {
		item["created_at"] = map[string]string{"S": r.putTime()}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Item": item}) // a client that is gone needs no answer
}

// putTime is created_at of the last object.
func (r *release) putTime() string {
	for _, text := range r.puts {
		if m := regexp.MustCompile(`"created_at":"([^"]*)"`).FindAllStringSubmatch(text, -1); len(m) > 0 {
			defer clear(r.puts)
			return m[0][1]
		}
	}
	return ""
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func abs(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
