//go:build bench

package lambda_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A runtimeAPI gives one event at a time to the function that asks, and hands
// on what it answers.
type runtimeAPI struct {
	events, answers chan string
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/next") {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		if !strings.HasSuffix(r.URL.Path, "/response") {
			body = append([]byte("error "), body...)
		}
		a.answers <- string(body)
		return
	}
	select {
	case <-r.Context().Done():
	case event := <-a.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Minute).UnixMilli(), 10))
		_, _ = io.WriteString(w, event)
	}
}
