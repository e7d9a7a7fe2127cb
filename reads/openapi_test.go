package reads_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Every answer has the form that /openapi.json gives it, the document has the
// paths that are served and no others, and every answer that it has is seen.
func TestOpenAPI(t *testing.T) {
	h := openSQLite(t, settings{rate: 10}) // bursts of 40
	h.put(order(1, 7, 0, "new"), order(2, 7, 1, "new"))
	res, err := http.Get(h.server.URL + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	var paths struct {
		Paths map[string]struct {
			Get struct{ Responses map[string]any }
		}
	}
	if err := json.Unmarshal(text, &paths); err != nil {
		t.Fatal(err)
	}
	unseen := map[string]bool{}
	for path, methods := range paths.Paths {
		if strings.Contains(path, "/orders") {
			for status := range methods.Get.Responses {
				unseen[path+" "+status] = true
			}
		}
	}
	check := func(template string, r reply) {
		t.Helper()
		place := fmt.Sprintf("%s %d", template, r.status)
		if _, ok := unseen[place]; !ok {
			t.Errorf("%s is not documented", place)
			return
		}
		unseen[place] = false
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace
		schema, err := c.Compile(fmt.Sprintf("openapi.json#/paths/%s/get/responses/%d/content/%s/schema", escape(template), r.status, escape(kind)))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %s: %v", place, r.body, err)
		}
	}
	for template, path := range map[string]string{"/v1/users/{user_id}/orders": mine, "/v1/me/orders": "/v1/me/orders"} {
		check(template, h.get("seven", path))
		check(template, h.get("seven", path+"?limit=1"))
		check(template, h.get("seven", path+"?limit=0"))
		check(template, h.get("seven", path+"?cursor=0"))
		check(template, h.get("", path))
		check(template, h.get("shop", path))
		check(template, h.do("POST", "seven", path))
	}
	h.table.Close()
	h.broken.Store(true)
	for template, path := range map[string]string{"/v1/users/{user_id}/orders": mine, "/v1/me/orders": "/v1/me/orders"} {
		check(template, h.get("seven", path))
	}
	for r := h.get("eight", "/v1/me/orders"); r.status != 429; r = h.get("eight", "/v1/me/orders") {
	}
	check("/v1/me/orders", h.get("eight", "/v1/me/orders"))
	check("/v1/users/{user_id}/orders", h.get("eight", "/v1/users/8/orders"))
	for place, missing := range unseen {
		if missing && !strings.HasSuffix(place, " 500") { // a defect, which nothing here has
			t.Errorf("%s is documented but was not seen", place)
		}
	}
}
