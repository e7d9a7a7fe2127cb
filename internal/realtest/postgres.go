package realtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var sharedPostgres = sync.OnceValues(func() (*PostgresServer, error) { return newPostgres(nil, true) })

// A PostgresServer is a PostgreSQL of one's own. It is kept for as long as the
// binary runs: were its process collected as garbage, the server would end in
// the middle of a test.
type PostgresServer struct {
	*process
	launch launch
	dsn    string // up to the database's name
}

// StartPostgres starts a server for t alone, with fsync on. Each setting is
// like shared_buffers=1GB.
func StartPostgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	server, err := newPostgres(settings, false)
	need(t, "PostgreSQL", err)
	t.Cleanup(func() {
		server.stop()
		os.RemoveAll(server.launch.folder)
	})
	return server
}

// Database makes an empty database and returns its connection string.
func (p *PostgresServer) Database(t testing.TB) string {
	t.Helper()
	name := Name(t)
	if err := execPostgres(p.dsn+"postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	return p.dsn + name
}

// TLS has the server speak TLS from now on, with a certificate that is its own
// authority and its key, in PEM.
func (p *PostgresServer) TLS(t testing.TB, certificate, key []byte) {
	t.Helper()
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		file := filepath.Join(p.launch.folder, "data", name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if as := p.launch.as; as != nil {
			if err := os.Chown(file, int(as.Uid), int(as.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, statement := range []string{"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"} {
		if err := execPostgres(p.dsn+"postgres", statement); err != nil {
			t.Fatal(err)
		}
	}
	// Until the server has read its settings again, it has none or the one before.
	ours := "postgres?sslmode=verify-ca&sslrootcert=" + url.QueryEscape(filepath.Join(p.launch.folder, "data", "server.crt"))
	if err := p.ready(func() error { return execPostgres(p.dsn+ours, "SELECT 1") }); err != nil {
		t.Fatal(err)
	}
}

// Kill9 kills the server without a chance to write anything more.
func (p *PostgresServer) Kill9(t testing.TB) {
	t.Helper()
	if err := p.kill9(); err != nil {
		t.Fatal(err)
	}
}

// Restart starts the server again after Kill9, on the same port and data, and
// returns when it answers. Children of the old one may live a moment longer,
// and until then the new one refuses to start.
func (p *PostgresServer) Restart(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(readyWithin); ; {
		var err error
		if p.process, err = p.launch.start(); err == nil {
			if err = p.answers(); err == nil {
				return
			}
			p.stop()
		}
		if time.Now().After(deadline) {
			t.Fatalf("restart PostgreSQL: %v", err)
		}
		time.Sleep(50 * time.Millisecond) // one that refuses at once must not take the machine from those it waits for
	}
}

func (p *PostgresServer) answers() error {
	return p.ready(func() error { return execPostgres(p.dsn+"postgres", "SELECT 1") })
}

// Postgres returns the connection string of a fresh, empty database on a real
// PostgreSQL server that the tests of this binary share. The server keeps
// fsync on. The database is dropped with the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server, err := sharedPostgres()
	need(t, "PostgreSQL", err)
	dsn, name := server.dsn, Name(t)
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execPostgres(dsn+"postgres", "CREATE DATABASE "+quoted); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := execPostgres(dsn+"postgres", "DROP DATABASE "+quoted+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return dsn + name
}

func execPostgres(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func newPostgres(settings []string, remove bool) (*PostgresServer, error) {
	initdb, postgres, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	as, err := notRoot()
	if err != nil {
		return nil, err
	}
	reserved, err := reservePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "penstock-postgres-")
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	initialize := exec.Command(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	initialize.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	initialize.Dir = folder
	if out, err := initialize.CombinedOutput(); err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port := strconv.Itoa(reserved)
	// SIGQUIT is PostgreSQL's immediate shutdown: its children end with it.
	args := []string{postgres, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + folder}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	p := &PostgresServer{
		launch: launch{folder: folder, remove: remove, signal: syscall.SIGQUIT, as: as, args: args},
		dsn:    "postgres://postgres@127.0.0.1:" + port + "/",
	}
	if p.process, err = p.launch.start(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return p, p.answers()
}

func postgresPrograms() (initdb, postgres string, err error) {
	find := func(name string) string {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) == 0 {
			return ""
		}
		return found[len(found)-1]
	}
	initdb, postgres = find("initdb"), find("postgres")
	if initdb == "" || postgres == "" {
		return "", "", missing("initdb and postgres are not on the PATH: install PostgreSQL's server (Debian: postgresql)")
	}
	return initdb, postgres, nil
}

// notRoot is whom the server runs as: PostgreSQL refuses root.
func notRoot() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, missing("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}
