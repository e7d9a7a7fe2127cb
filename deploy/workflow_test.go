package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const workflowDir = "../.github/workflows"

// workflows are the texts of all workflows by their names.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob(filepath.Join(workflowDir, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".yml")] = string(text)
	}
	return all
}

var (
	uses   = regexp.MustCompile(`(?m)^\s*-? ?uses: (\S+)(.*)$`)
	pinned = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}$`)
	told   = regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`)
)

// identified are the jobs that may ask for a token that says who they are.
var identified = []string{"build/build", "deploy/deploy", "drift/drift", "security/scorecard", "release/build", "release/dev", "release/staging", "release/prod"}

// A workflowJudge looks through the workflows and says what is wrong.
type workflowJudge struct {
	findings []string
	pins     map[string]string // of an action's repository
}

func (w *workflowJudge) must(ok bool, format string, args ...any) {
	if !ok {
		w.findings = append(w.findings, fmt.Sprintf(format, args...))
	}
}

func judgeWorkflows(t *testing.T, all map[string]string) []string {
	t.Helper()
	w := &workflowJudge{pins: map[string]string{}}
	names := slices.Sorted(maps.Keys(all))
	w.must(slices.Equal(names, []string{"build", "ci", "deploy", "drift", "release", "security"}), "the workflows are %v", names)
	parsed := map[string]node{}
	for _, name := range names {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(all[name]), &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parsed[name] = plain(&doc)
		w.actions(name, all[name])
		w.workflow(name, parsed[name])
	}
	w.deployment(parsed["deploy"])
	w.promotion(parsed["release"])
	return w.findings
}

// actions: other people's code is what we have seen of it, and one version.
func (w *workflowJudge) actions(name, text string) {
	for _, m := range uses.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "./") {
			continue
		}
		w.must(pinned.MatchString(m[1]) && told.MatchString(m[2]), "%s: %s%s is not pinned to a commit whose version is said", name, m[1], m[2])
		action, commit, _ := strings.Cut(m[1], "@")
		repository := strings.Join(strings.SplitN(action, "/", 3)[:2], "/")
		w.must(w.pins[repository] == "" || w.pins[repository] == commit, "%s: %s is used in two versions", name, repository)
		w.pins[repository] = commit
	}
	w.must(!strings.Contains(text, "secrets."), "%s: uses a secret; roles are short-lived and nothing is stored", name)
	w.must(!strings.Contains(text, "pull_request_target"), "%s: runs a stranger's change with our rights", name)
}

func (w *workflowJudge) workflow(name string, file node) {
	top, is := at(file, "permissions").(map[string]node)
	w.must(is && len(top) == 0, "%s: permissions at the top are not {}", name)
	jobs, _ := at(file, "jobs").(map[string]node)
	w.must(at(file, "concurrency", "cancel-in-progress") != "true", "%s: cancels what may be half done", name)
	for id, job := range jobs {
		id = name + "/" + id
		permissions, is := at(job, "permissions").(map[string]node)
		w.must(is, "%s: does not say its permissions", id)
		w.must(permissions["id-token"] == nil || slices.Contains(identified, id), "%s: may say who it is, and has no need to", id)
		if at(job, "uses") != nil {
			continue
		}
		w.must(at(job, "timeout-minutes") != nil, "%s: has no end", id)
		w.must(!strings.Contains(text(at(job, "runs-on")), "latest"), "%s: runs on whatever is latest", id)
		for _, step := range list(at(job, "steps")) {
			w.must(!strings.Contains(text(at(step, "run")), "${{"), "%s: puts an expression into a shell's text", id)
			action := text(at(step, "uses"))
			if strings.HasPrefix(action, "actions/checkout@") {
				w.must(text(at(step, "with", "persist-credentials")) == "false", "%s: leaves its token on the disk", id)
			}
			if strings.HasPrefix(action, "aws-actions/") {
				w.must(at(job, "environment") != nil, "%s: takes a role outside an environment", id)
				w.must(text(at(step, "with", "aws-access-key-id")) == "<nil>", "%s: keeps a key", id)
			}
		}
	}
}

// deployment: nothing goes to AWS that was not verified, and what fails goes back.
func (w *workflowJudge) deployment(file node) {
	steps := list(at(file, "jobs", "deploy", "steps"))
	order := func(what string) int {
		i := slices.IndexFunc(steps, func(s node) bool { return strings.Contains(text(at(s, "run"))+text(at(s, "uses")), what) })
		w.must(i >= 0, "deploy: no step has %s", what)
		return i
	}
	verify, digest := order("gh attestation verify"), order(`echo "$SHA256  penstock.zip" | sha256sum --check --strict`)
	role, upload := order("aws-actions/configure-aws-credentials"), order("put-object")
	plan, execute, smoke := order("create-change-set"), order("execute-change-set"), order("lambda smoke")
	w.must(digest <= verify && verify < role && role < upload && upload < plan && plan < execute && execute < smoke, "deploy: the steps are in another order")
	for _, flag := range []string{"--signer-workflow", "--source-ref refs/heads/main", "--deny-self-hosted-runners", "--repo"} {
		for _, call := range strings.Split(text(at(steps[max(verify, 0)], "run")), "gh attestation verify")[1:] {
			w.must(strings.Contains(call, flag), "deploy: an attestation may be of anybody: no %s", flag)
		}
	}
	w.must(strings.Contains(text(at(steps[max(upload, 0)], "run")), "--if-none-match"), "deploy: a package may be overwritten")
	w.must(strings.Contains(text(at(steps[max(upload, 0)], "run")), `echo "$SHA256  stored.zip" | sha256sum --check --strict`), "deploy: what lies under the digest may be anything")
	for i, s := range steps {
		w.must(i < role || at(s, "continue-on-error") == nil, "deploy: step %d may fail and nobody minds", i)
	}
	w.must(text(at(steps[len(steps)-1], "if")) != "<nil>" && strings.Contains(text(at(steps[len(steps)-1], "run")), "previous.yaml"), "deploy: does not go back")
	w.must(strings.Contains(text(at(file, "jobs", "deploy", "concurrency", "group")), "inputs.environment"), "deploy: two at once in an environment")
}

// promotion: one digest, each environment after the one before.
func (w *workflowJudge) promotion(file node) {
	before := "build"
	for _, environment := range Environments {
		job := at(file, "jobs", environment)
		w.must(text(at(job, "uses")) == "./.github/workflows/deploy.yml", "release: %s is not deployed as the others", environment)
		w.must(text(at(job, "with", "environment")) == environment, "release: %s is deployed to %v", environment, at(job, "with", "environment"))
		w.must(text(at(job, "with", "sha256")) == "${{ needs.build.outputs.sha256 }}", "release: %s gets another digest", environment)
		w.must(slices.ContainsFunc(list(at(job, "needs")), func(n node) bool { return text(n) == before }), "release: %s does not wait for %s", environment, before)
		w.must(at(job, "if") == nil, "release: %s may run although %s failed", environment, before)
		before = environment
	}
}

func TestWorkflowsKeepThePolicy(t *testing.T) {
	for _, f := range judgeWorkflows(t, workflows(t)) {
		t.Error(f)
	}
}

// TestWorkflowsAgreeWithTheConfiguration: the names that the workflows make up
// are those of the stacks.
func TestWorkflowsAgreeWithTheConfiguration(t *testing.T) {
	for _, environment := range Environments {
		if c := load(t, environment); c.Function.Name != "penstock-"+environment {
			t.Errorf("%s: the function is %s, and the workflows deploy penstock-%s", environment, c.Function.Name, environment)
		}
	}
}

// TestWorkflowPolicyFindsWhatIsWrong breaks the workflows one way at a time.
func TestWorkflowPolicyFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ file, from, to, want string }{
		{"ci", "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "actions/checkout@v6", "not pinned"},
		{"ci", "# v6.0.2", "", "not pinned"},
		{"ci", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "de0fac2e4500dabe0009e67214ff5f5447ce83de", "in two versions"},
		{"ci", "permissions: {}", "permissions: read-all", "not {}"},
		{"ci", "    permissions: {contents: read}\n", "", "does not say its permissions"},
		{"ci", "{contents: read}", "{contents: read, id-token: write}", "no need to"},
		{"ci", "persist-credentials: false", "persist-credentials: true", "token on the disk"},
		{"ci", "    timeout-minutes: 20\n", "", "has no end"},
		{"ci", "run: make check", "run: echo ${{ github.event.pull_request.title }}", "into a shell's text"},
		{"ci", "  pull_request:\n", "  pull_request_target:\n", "stranger's change"},
		{"ci", "ubuntu-24.04\n", "ubuntu-latest\n", "whatever is latest"},
		{"deploy", "    environment: ${{ inputs.environment }}\n", "", "outside an environment"},
		{"deploy", "github-token: ${{ github.token }}", "github-token: ${{ secrets.PAT }}", "uses a secret"},
		{"deploy", "--source-ref refs/heads/main", "", "no --source-ref"},
		{"deploy", "--source-ref refs/heads/main --deny-self-hosted-runners \\\n", "\\\n", "no --deny-self-hosted-runners"},
		{"deploy", "gh attestation verify", "true", "no step has gh"},
		{"deploy", "echo \"$SHA256  penstock.zip\" | sha256sum", "echo \"$SHA256  penstock.zip\" | true", "no step has echo"},
		{"deploy", "--if-none-match '*'", "", "may be overwritten"},
		{"deploy", "$SHA256  stored.zip", "$SHA256  penstock.zip", "may be anything"},
		{"deploy", "        id: smoke\n", "        id: smoke\n        continue-on-error: true\n", "nobody minds"},
		{"deploy", "--template-body file://previous.yaml", "--template-body file://x", "does not go back"},
		{"release", "needs: [build, staging]", "needs: [build]", "prod does not wait for staging"},
		{"release", "environment: staging, sha256: \"${{ needs.build.outputs.sha256 }}\"", "environment: staging, sha256: x", "staging gets another digest"},
		{"release", "    needs: [build, staging]\n", "    needs: [build, staging]\n    if: always()\n", "may run although"},
		{"drift", "cancel-in-progress: false", "cancel-in-progress: true", "half done"},
	} {
		all := workflows(t)
		broken := strings.ReplaceAll(all[c.file], c.from, c.to)
		if broken == all[c.file] {
			t.Errorf("%q is not in %s", c.from, c.file)
			continue
		}
		all[c.file] = broken
		if found := judgeWorkflows(t, all); !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s: %q instead of %q: found %q, want %q", c.file, c.to, c.from, found, c.want)
		}
	}
}
