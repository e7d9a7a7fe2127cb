package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock"
)

// The codes of rejects that a table's refusals become.
const (
	CodeColumn     = "column"      // the value does not fit the column's type
	CodeUnique     = "unique"      // a row of this key is there
	CodeForeignKey = "foreign_key" // what the row refers to is not there
	CodeNotNull    = "not_null"    // the column must have a value
	CodeCheck      = "check"       // a CHECK constraint of the table, or a view's, says no
	CodeExclusion  = "exclusion"   // an EXCLUDE constraint says no
	CodeTrigger    = "trigger"     // a trigger of the table has raised an exception, or left the row out
	CodeData       = "data"        // the server's own check of the value says no
)

// eventFaults are the SQLSTATEs that mean one of the rows, whoever sends it
// and however often. Every other state is the world's.
var eventFaults = map[string]string{
	"23505": CodeUnique,
	"23503": CodeForeignKey,
	"23001": CodeForeignKey,
	"23502": CodeNotNull,
	"23514": CodeCheck,
	"23P01": CodeExclusion,
	"44000": CodeCheck, // WITH CHECK OPTION of a view
	"P0001": CodeTrigger,
	"54000": CodeData, // as an index row that is too large
}

// fault returns the reject that a server's refusal of a row is or becomes, or nil
// when the error is the world's. The server's words go to the rejects, which
// only who runs the pipeline reads.
func fault(err error) *penstock.Reject {
	if why := penstock.AsReject(err); why != nil {
		return why
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return nil
	}
	code := eventFaults[refused.Code]
	if code == "" && strings.HasPrefix(refused.Code, "22") { // data exceptions
		code = CodeData
	}
	if code == "" {
		return nil
	}
	detail := refused.Message
	if refused.Detail != "" {
		detail += ": " + refused.Detail
	}
	at := ""
	if refused.ColumnName != "" {
		at = pointer(refused.ColumnName)
	}
	return penstock.NewReject(code, at, "%s", detail)
}

// pointer is the JSON pointer of the field of this name.
func pointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
