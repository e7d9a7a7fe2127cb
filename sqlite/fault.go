package sqlite

import (
	"errors"
	"strings"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/penstock-io/penstock"
)

// The codes of rejects that a table's refusals become.
const (
	CodeColumn     = "column"      // the value does not fit the column
	CodeUnique     = "unique"      // a row of this key is there
	CodeForeignKey = "foreign_key" // what the row refers to is not there
	CodeNotNull    = "not_null"    // the column must have a value
	CodeCheck      = "check"       // a CHECK constraint of the table says no
	CodeTrigger    = "trigger"     // a trigger of the table has raised an error, or left the row out
	CodeData       = "data"        // SQLite itself says no to the value
)

// eventFaults are the results that mean one of the rows, whoever writes it and
// however often. Every other result is the world's.
var eventFaults = map[int]string{
	lib.SQLITE_CONSTRAINT_UNIQUE:     CodeUnique,
	lib.SQLITE_CONSTRAINT_PRIMARYKEY: CodeUnique,
	lib.SQLITE_CONSTRAINT_ROWID:      CodeUnique,
	lib.SQLITE_CONSTRAINT_FOREIGNKEY: CodeForeignKey,
	lib.SQLITE_CONSTRAINT_NOTNULL:    CodeNotNull,
	lib.SQLITE_CONSTRAINT_CHECK:      CodeCheck,
	lib.SQLITE_CONSTRAINT_TRIGGER:    CodeTrigger,
	lib.SQLITE_CONSTRAINT_DATATYPE:   CodeData,
	lib.SQLITE_MISMATCH:              CodeData,
	lib.SQLITE_TOOBIG:                CodeData,
}

// fault returns the reject that a refusal of a row becomes, or nil when the
// error is the world's.
func fault(err error) *penstock.Reject {
	var refused *driver.Error
	if !errors.As(err, &refused) {
		return nil
	}
	code := eventFaults[refused.Code()]
	if code == "" {
		return nil
	}
	return penstock.NewReject(code, "", "%s", refused.Error())
}

// busy tells whether the error is that somebody else is at the file.
func busy(err error) bool {
	var refused *driver.Error
	return errors.As(err, &refused) && refused.Code()&0xff == lib.SQLITE_BUSY // the rest says why
}

// pointer is the JSON pointer of the field of this name.
func pointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
