package postgres

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/stream"
)

// roleName is what a role may be called: nothing in it means anything to SQL,
// also inside the text of a DO, and names of policies can be made of it.
var roleName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// RoleSQL is the SQL that makes a role for a Reader of the stream's table: it
// owns nothing, may select the columns that are shown or compared and no others,
// and sees through row-level security only the rows of whoever asks. The script
// may be run again.
func RoleSQL(s *stream.Stream, role string) (string, error) {
	if len(s.Reads) == 0 {
		return "", fmt.Errorf("stream %s declares no reads, so there is nothing that a role could read", s.Name)
	}
	if !roleName.MatchString(role) || role == "public" || strings.HasPrefix(role, "pg_") {
		return "", fmt.Errorf("role %q: a role's name has 1 to 40 lower-case letters, digits and _, begins with a letter, and is neither public nor pg_…", role)
	}
	table, who := identifier(s.Table.Name).Sanitize(), quote(role)
	columns := readColumns(s)
	var b strings.Builder
	fmt.Fprintf(&b, "-- The role that penstock reads table %s with. Run it as the table's owner, who may create roles.\nBEGIN;\n", s.Table.Name)
	b.WriteString(newRoleSQL(role))
	schema := "public"
	if name := identifier(s.Table.Name); len(name) > 1 {
		schema = name[0]
	}
	for _, setting := range []string{
		"default_transaction_read_only = on", "statement_timeout = '1s'", "lock_timeout = '500ms'",
		"idle_in_transaction_session_timeout = '5s'", "search_path = " + quote(schema) + ", pg_temp",
	} {
		fmt.Fprintf(&b, "ALTER ROLE %s SET %s;\n", who, setting)
	}
	fmt.Fprintf(&b, "GRANT USAGE ON SCHEMA %s TO %s;\n", quote(schema), who)
	fmt.Fprintf(&b, "REVOKE ALL ON %s FROM %s;\nGRANT SELECT (%s) ON %s TO %s;\n", table, who, strings.Join(columns, ", "), table, who)
	fmt.Fprintf(&b, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY;\n", table)
	for i, r := range s.Reads {
		b.WriteString(policySQL(s, r, quote(fmt.Sprintf("%s_read_%d", role, i+1)), table, who))
	}
	for _, statement := range pageIndexes(s) {
		b.WriteString(statement + ";\n")
	}
	b.WriteString(keepFromSQL(role))
	b.WriteString("COMMIT;\n")
	return b.String(), nil
}

// newRoleSQL makes the role, and refuses one that is there and may do more.
func newRoleSQL(role string) string {
	return fmt.Sprintf(`DO $$ BEGIN CREATE ROLE "%[1]s" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 32;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '%[1]s' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)) THEN
RAISE EXCEPTION 'role %[1]s is there already and may do more than read: choose another --role'; END IF; END $$;
`, role)
}

// keepFromSQL takes from the role what PostgreSQL lets everybody do: make
// temporary tables and large objects. Neither can be taken from one role, so it
// is taken from all together (PUBLIC) and given to each other role that there is.
func keepFromSQL(role string) string {
	return fmt.Sprintf(`-- What everybody may do in this database unless it is taken from PUBLIC: roles that are there now keep it, this one does not get it.
DO $$ DECLARE who text; what text; BEGIN
IF NOT has_database_privilege('%[1]s', current_database(), 'TEMPORARY') THEN NULL;
ELSIF pg_has_role(current_user, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
FOR who IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> '%[1]s' AND has_database_privilege(oid, current_database(), 'TEMPORARY') LOOP
EXECUTE format('GRANT TEMPORARY ON DATABASE %%I TO %%I', current_database(), who); END LOOP;
EXECUTE format('REVOKE TEMPORARY ON DATABASE %%I FROM PUBLIC', current_database());
ELSE RAISE WARNING 'role %[1]s may still make temporary tables: run this as the owner of the database to take that from it'; END IF;
IF NOT has_function_privilege('%[1]s', 'pg_catalog.lo_create(oid)', 'EXECUTE') THEN NULL;
ELSIF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
FOREACH what IN ARRAY ARRAY['lo_creat(integer)', 'lo_create(oid)', 'lo_from_bytea(oid, bytea)'] LOOP
FOR who IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> '%[1]s' LOOP
EXECUTE format('GRANT EXECUTE ON FUNCTION pg_catalog.%%s TO %%I', what, who); END LOOP;
EXECUTE format('REVOKE EXECUTE ON FUNCTION pg_catalog.%%s FROM PUBLIC', what); END LOOP;
ELSE RAISE WARNING 'role %[1]s may still make large objects: run this as a superuser to take that from it'; END IF;
END $$;
`, role)
}

// readColumns are the quoted names of the columns that reads show or compare.
func readColumns(s *stream.Stream) []string {
	var columns []string
	for _, r := range s.Reads {
		slots := slices.Concat([]int{r.By, r.Newest}, r.Columns, r.Filter, s.Table.PrimaryKey)
		if r.Tenant >= 0 {
			slots = append(slots, r.Tenant)
		}
		for _, slot := range slots {
			if name := quote(s.Fields[slot].Name); !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	return columns
}

// policySQL lets the role see only rows of the one that the transaction names.
// After a transaction such a setting is the empty text, not null: nullif keeps
// that from being an error, and both show no row.
func policySQL(s *stream.Stream, r *stream.Read, policy, table, who string) string {
	same := func(slot int, setting string) string {
		natural, _ := naturalType(s.Fields[slot])
		return quote(s.Fields[slot].Name) + " = nullif(current_setting('" + setting + "', true), '')::" + natural
	}
	using := same(r.By, userSetting)
	if r.Tenant >= 0 {
		using += " AND " + same(r.Tenant, tenantSetting)
	}
	return fmt.Sprintf("DROP POLICY IF EXISTS %s ON %s;\nCREATE POLICY %s ON %s FOR SELECT TO %s USING (%s);\n", policy, table, policy, table, who, using)
}
