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
	room := h.room.Load()
	if room == nil {
		return show(w, openAPI)
	}
	described, err := (*room).Describe(openAPI)
	if err != nil { // both are this program's own
		panic(err)
	}
	return show(w, described)
}
