package enrich

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A secretConnector connects to a PostgreSQL whose DSN is only known with its
// secrets, which are looked up for each connection.
type secretConnector struct{ dsn template }

// Driver is that of PostgreSQL.
func (secretConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Connect connects and, when the database refuses who connects, once more with
// secrets that are looked up anew.
func (c secretConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.connect(ctx)
	if !refused(err) {
		return conn, err
	}
	c.dsn.forget()
	return c.connect(ctx)
}

func (c secretConnector) connect(ctx context.Context) (driver.Conn, error) {
	dsn, err := c.dsn.expand(ctx)
	if err != nil {
		return nil, fmt.Errorf("dsn: %w", err)
	}
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("the dsn with its secrets does not begin with postgres://")
	}
	connector, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(dsn)
	if err != nil { // the error shows the DSN
		return nil, errors.New("the dsn with its secrets cannot be parsed; escape the password as in a URL")
	}
	conn, err := connector.Connect(ctx)
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return nil, errors.New("the dsn with its secrets cannot be parsed; escape the password as in a URL")
	}
	return conn, err
}

// refused reports whether the database did not take who connects for somebody
// it knows: class 28 of SQLSTATE.
func refused(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && strings.HasPrefix(answer.Code, "28")
}
