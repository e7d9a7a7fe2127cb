package realtest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const kafkaVersion = "4.1.0"

//go:embed kafka.pom.xml
var kafkaPom []byte

var sharedKafka = sync.OnceValues(func() (*KafkaServer, error) { return newKafka(nil, true) })

// Kafka returns the address of a real one-node Kafka broker that the tests of
// this binary share. Topics are not created by themselves.
func Kafka(t testing.TB) string {
	t.Helper()
	server, err := sharedKafka()
	need(t, "Kafka", err)
	return server.addr
}

// A KafkaServer is a broker of a test's own. Its port and its data outlive a
// Kill9.
type KafkaServer struct {
	addr   string
	folder string
	remove bool
	jars   string
	*process
}

// StartKafka starts a broker for t alone. Each setting is a line of its
// server.properties.
func StartKafka(t testing.TB, settings ...string) *KafkaServer {
	t.Helper()
	server, err := newKafka(settings, false)
	need(t, "Kafka", err)
	t.Cleanup(func() {
		server.stop()
		os.RemoveAll(server.folder)
	})
	return server
}

// Addr is the broker's address, as host:port.
func (k *KafkaServer) Addr() string { return k.addr }

// Kill9 kills the broker without a chance to write anything more.
func (k *KafkaServer) Kill9(t testing.TB) {
	t.Helper()
	if err := k.kill9(); err != nil {
		t.Fatal(err)
	}
}

// Restart starts the broker again after Kill9, on the same port and data, and
// returns when it answers.
func (k *KafkaServer) Restart(t testing.TB) {
	t.Helper()
	if err := k.run(); err != nil {
		t.Fatalf("restart Kafka: %v", err)
	}
}

func newKafka(settings []string, remove bool) (*KafkaServer, error) {
	jars, err := kafkaJars()
	if err != nil {
		return nil, err
	}
	broker, err := reservePort()
	if err != nil {
		return nil, err
	}
	controller, err := reservePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "penstock-kafka-")
	if err != nil {
		return nil, err
	}
	k := &KafkaServer{addr: fmt.Sprintf("127.0.0.1:%d", broker), folder: folder, remove: remove, jars: jars}
	if err := k.format(controller, settings); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if err := k.run(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return k, nil
}

func (k *KafkaServer) format(controller int, settings []string) error {
	lines := append([]string{
		"process.roles=broker,controller",
		"node.id=1",
		fmt.Sprintf("controller.quorum.voters=1@127.0.0.1:%d", controller),
		fmt.Sprintf("listeners=PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", k.addr, controller),
		"advertised.listeners=PLAINTEXT://" + k.addr,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"log.dirs=" + filepath.Join(k.folder, "data"),
		"auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=4",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"share.coordinator.state.topic.num.partitions=1",
		"group.initial.rebalance.delay.ms=0",
		// A broker that was killed can come back only once the controller has
		// given up on its last life.
		"broker.heartbeat.interval.ms=200",
		"broker.session.timeout.ms=1000",
	}, settings...)
	if err := os.WriteFile(k.properties(), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	format := exec.Command("java", "-cp", k.jars, "kafka.tools.StorageTool",
		"format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", k.properties())
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("format Kafka's storage: %w: %s", err, out)
	}
	return nil
}

func (k *KafkaServer) properties() string { return filepath.Join(k.folder, "server.properties") }

func (k *KafkaServer) run() error {
	p, err := launch{
		folder: k.folder, remove: k.remove, signal: syscall.SIGKILL,
		args: []string{"java", "-Xmx512m", "-cp", k.jars, "kafka.Kafka", k.properties()},
	}.start()
	if err != nil {
		return err
	}
	k.process = p
	client, err := kgo.NewClient(kgo.SeedBrokers(k.addr))
	if err != nil {
		return err
	}
	defer client.Close()
	return p.ready(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return client.Ping(ctx)
	})
}

// kafkaJars returns the class path of Kafka, fetched by Maven when it is not
// in the cache.
func kafkaJars() (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", missing("java is not on the PATH: install a Java runtime of version 17 or later (Debian: default-jre-headless)")
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	jars := filepath.Join(cache, "kafka-"+kafkaVersion)
	err = once(jars, func() error { return fetchJars(kafkaPom, jars) })
	return filepath.Join(jars, "*"), err
}

// fetchJars has Maven copy what the pom depends on into dir, whole or not at
// all.
func fetchJars(pom []byte, dir string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return missing("mvn is not on the PATH, and %s is empty: install Maven (Debian: maven)", dir)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	file := filepath.Join(part, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return err
	}
	out, err := exec.Command("mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(part, "jars")).CombinedOutput()
	if err != nil {
		return missing("Maven cannot fetch the jars, is there a network? %v: %.1000s", err, out)
	}
	return os.Rename(filepath.Join(part, "jars"), dir)
}
