package realtest

import (
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

const dynamoDBVersion = "3.1.0"

//go:embed dynamodb.pom.xml
var dynamoDBPom []byte

var sharedDynamoDB = sync.OnceValues(newDynamoDB)

// A webServer answers HTTP at a URL, for as long as the test binary runs.
type webServer struct {
	*process
	url string
}

// DynamoDB returns the URL of a DynamoDB Local that the tests of this binary
// share; it keeps its tables in memory and takes any credentials. Each access
// key has tables of its own, so use Name for it or for the tables.
func DynamoDB(t testing.TB) string {
	t.Helper()
	server, err := sharedDynamoDB()
	need(t, "DynamoDB Local", err)
	return server.url
}

func newDynamoDB() (*webServer, error) {
	jars, err := dynamoDBJars()
	if err != nil {
		return nil, err
	}
	port, err := reservePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "penstock-dynamodb-")
	if err != nil {
		return nil, err
	}
	// With two cores Java's default is a collector whose threads take their part of
	// them while requests are served.
	server, err := launch{folder: folder, remove: true, signal: syscall.SIGKILL, args: []string{
		"java", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.library.path=" + jars, "-cp", filepath.Join(jars, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner",
		"-inMemory", "-port", strconv.Itoa(port), "-disableTelemetry",
	}}.start()
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	return &webServer{server, url}, server.ready(func() error { return answers(url) })
}

// answers reports whether any HTTP answer comes from there.
func answers(url string) error {
	client := http.Client{Timeout: 10 * time.Second} // one that is just starting may take a connection and forget it
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func dynamoDBJars() (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", missing("java is not on the PATH: install a Java runtime of version 17 or later (Debian: default-jre-headless)")
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	jars := filepath.Join(cache, "dynamodb-"+dynamoDBVersion)
	return jars, once(jars, func() error { return fetchJars(dynamoDBPom, jars) })
}
