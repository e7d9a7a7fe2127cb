package postgres

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// away are the SQLSTATEs of a server that is not to be had for now, beside
// class 08, which are connections that failed: it is ending, has crashed, is
// beginning, or has no connection to spare.
var away = []string{"57P01", "57P02", "57P03", "53300"}

// Away reports whether an error is that of a database that is not there for now:
// nobody answers, or somebody who says so. Who waits and asks again can get
// another answer, which a wrong password, a missing right or a table that does
// not fit will not give.
func Away(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return slices.Contains(away, said.Code) || strings.HasPrefix(said.Code, "08")
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
