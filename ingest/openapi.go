package ingest

import (
	_ "embed"
	"net/http"
)

// openAPI describes the door, for people and for code generators. A test holds
// live traffic against it.
//
//go:embed openapi.json
var openAPI []byte

func (h *Handler) showOpenAPI(w http.ResponseWriter, r *http.Request, c *call) int {
	return show(w, openAPI)
}
