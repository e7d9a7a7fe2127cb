package reads_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestSqlmap has sqlmap attack the endpoint and the twin with the same settings:
// the twin it must get into, the endpoint not, and the database's errors must not
// be in the endpoint's log either. PENSTOCK_SQLMAP says where sqlmap is.
func TestSqlmap(t *testing.T) {
	program := os.Getenv("PENSTOCK_SQLMAP")
	if program == "" {
		t.Skip("PENSTOCK_SQLMAP does not say where sqlmap is: make attack-sqlmap")
	}
	// The id, a filter and the limit are marked; sqlmap finds that the paths answer.
	const path = "/v1/users/7*/orders?status=paid*&limit=10*"
	found := regexp.MustCompile(`(?m)^(Parameter: .*|\s+Type: .*)$`)
	attack := func(base, secret string) (string, []string) {
		cmd := exec.Command(program, "-u", base+path, "--headers", "Authorization: Bearer "+secret, "--batch", "--flush-session", "--disable-coloring",
			"--level", "2", "--risk", "2", "--technique", "BEUT", "--dbms", "postgresql", "--ignore-code", "400,404", "--output-dir", t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("sqlmap: %v\n%s", err, out)
		}
		return string(out), found.FindAllString(string(out), -1)
	}
	h := openPostgres(t, settings{})
	h.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	out, holes := attack(h.server.URL, h.keys["seven"])
	if len(holes) > 0 || !strings.Contains(out, "all tested parameters do not appear to be injectable") {
		t.Errorf("the endpoint: %q\n%s", holes, out)
	}
	asked := len(audited(h))
	t.Logf("the endpoint was asked %d times, and nothing was found", asked)
	if asked < 100 || strings.Contains(h.log.String(), "SQLSTATE") {
		t.Errorf("%d requests, and the database's errors in the log: %v", asked, strings.Contains(h.log.String(), "SQLSTATE"))
	}
	h = openPostgres(t, settings{})
	h.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	out, holes = attack(openTwin(t, h).serve(t).URL, h.keys["seven"])
	if len(holes) == 0 {
		t.Errorf("sqlmap finds nothing in the twin: it proves nothing\n%s", out)
	}
	t.Logf("in the twin it found:\n%s", strings.Join(holes, "\n"))
}
