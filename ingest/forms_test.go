package ingest_test

import (
	"net/http"
	"testing"
)

func TestSingle(t *testing.T) {
	h := open(t, settings{})
	a := h.post(order("1"))
	a.want(t, http.StatusAccepted, "ok")
	if r := a.body.Results[0]; r.ID != "1" || r.Ack != "disk" || r.Topic != "" || a.header.Get("Penstock-Ack") != "disk" {
		t.Fatalf("%s", a.text)
	}
	h.post(order("1")).want(t, http.StatusAccepted, "duplicate")
	h.post(badOrder).want(t, http.StatusUnprocessableEntity, "invalid")
}
