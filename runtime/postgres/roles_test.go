package postgres_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

var allRoles = []string{"owner", "migrate", "enqueue", "work", "read", "admin"}

// A roleSet is a database whose schema has its roles, made and migrated as the
// guide has it.
type roleSet struct {
	admin  string // the DSN of a superuser
	prefix string
}

// newPrefix is one that no other test has, since roles are the server's and
// not the database's. They are dropped with the test.
func newPrefix(t *testing.T, dsn string, more ...string) string {
	t.Helper()
	prefix := "r" + strings.ToLower(rand.Text())[:12] + "_"
	t.Cleanup(func() {
		conn, ctx := connectLate(t, dsn)
		for _, name := range append(slices.Clone(allRoles), more...) {
			role := pgx.Identifier{prefix + name}.Sanitize()
			for _, statement := range []string{"DROP OWNED BY " + role + " CASCADE", "DROP ROLE IF EXISTS " + role} {
				if _, err := conn.Exec(ctx, statement); err != nil && !strings.Contains(err.Error(), "does not exist") {
					t.Errorf("%s: %v", statement, err)
				}
			}
		}
	})
	return prefix
}

func newRoles(t *testing.T, opts ...postgres.Option) *roleSet {
	t.Helper()
	dsn := pgtest.DSN(t)
	r := &roleSet{admin: dsn, prefix: newPrefix(t, dsn)}
	if err := postgres.ApplyRoles(t.Context(), dsn, r.prefix, opts...); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	for _, role := range allRoles {
		exec(t, conn, "ALTER ROLE "+r.prefix+role+" LOGIN PASSWORD 'secret'")
	}
	if err := postgres.Migrate(t.Context(), r.as(t, "migrate"), opts...); err != nil {
		t.Fatal(err)
	}
	if err := postgres.ApplyRoles(t.Context(), r.as(t, "migrate"), r.prefix, opts...); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *roleSet) as(t *testing.T, role string) string {
	t.Helper()
	return asRole(t, r.admin, r.prefix+role, "secret")
}

// grid is all that the roles may do, but for what owners can do with what is
// theirs. A line is an object, what may be done to it, and by whom.
const grid = `
schema              USAGE   admin enqueue migrate read work
schema              CREATE  migrate

attempt             SELECT  admin read
ended_job           SELECT  admin
ended_job(attempts created due ended id max_attempts max_work priority queue state type) SELECT read
handler(created name number) SELECT admin read work
job                 SELECT  admin
job(attempts claimed created due early expires handler id max_attempts max_work priority queue type) SELECT read work
job(id)             SELECT  enqueue
job(created due id max_attempts max_work payload priority queue type) INSERT enqueue
job(attempts claimed early expires handler) INSERT work
job_type            SELECT  admin enqueue read work
migration           SELECT  admin enqueue read work
node(expires number since) SELECT admin read
queue               SELECT  admin enqueue read work

bury()              EXECUTE
cancel()            EXECUTE admin work
claim()             EXECUTE work
claim_one()         EXECUTE work
complete()          EXECUTE work
create_handler()    EXECUTE work
create_job_types()  EXECUTE enqueue work
create_queue()      EXECUTE admin enqueue work
create_queues()     EXECUTE admin enqueue work
dead_workers()      EXECUTE
delete_queue()      EXECUTE admin
describe_job_types() EXECUTE enqueue work
drain()             EXECUTE admin
end_lease()         EXECUTE enqueue work
fail()              EXECUTE work
finish()            EXECUTE work
finish_and_claim()  EXECUTE work
job_type_in_use()   EXECUTE enqueue work
lease()             EXECUTE enqueue work
lost_claims()       EXECUTE work
name_number()       EXECUTE
next_due()          EXECUTE
record_stale_outcome() EXECUTE
release()           EXECUTE work
renew_lease()       EXECUTE enqueue work
revive()            EXECUTE admin
steal()             EXECUTE work
sweep()             EXECUTE
upkeep()            EXECUTE admin work
worker()            EXECUTE work
`

// grantedGrid is the grid as the catalog has it: every entry of every access
// control list of the schema, of its tables, sequences, columns and functions,
// whoever it is for, except the owners' own.
func grantedGrid(t *testing.T, conn *pgx.Conn, schema, prefix string) []string {
	t.Helper()
	const sql = `
WITH acl AS (
  SELECT 'schema' AS object, NULL::text AS col, a.privilege_type AS verb, a.grantee, n.nspowner AS owner
  FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.oid = $1::regnamespace
  UNION ALL
  SELECT c.relname, NULL, a.privilege_type, a.grantee, c.relowner
  FROM pg_class c CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
  WHERE c.relnamespace = $1::regnamespace AND c.relkind NOT IN ('i', 'I', 't')
  UNION ALL
  SELECT c.relname, f.attname, a.privilege_type, a.grantee, c.relowner
  FROM pg_attribute f JOIN pg_class c ON c.oid = f.attrelid CROSS JOIN LATERAL aclexplode(f.attacl) a WHERE c.relnamespace = $1::regnamespace
  UNION ALL
  SELECT p.proname || '()', NULL, a.privilege_type, a.grantee, p.proowner
  FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = $1::regnamespace),
each AS (
  SELECT object || coalesce('(' || string_agg(col, ' ' ORDER BY col) || ')', '') AS object, verb,
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE replace(pg_get_userbyid(grantee), $2, '') END AS role
  FROM acl WHERE grantee <> owner GROUP BY object, col IS NULL, verb, grantee),
every AS (
  SELECT object, verb, role FROM each
  UNION ALL
  SELECT p.proname || '()', 'EXECUTE', NULL FROM pg_proc p WHERE p.pronamespace = $1::regnamespace)
SELECT concat_ws(' ', object, verb, string_agg(role, ' ' ORDER BY role)) FROM every GROUP BY object, verb`
	rows, err := conn.Query(t.Context(), sql, schema, prefix)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// sameLines compares lines whatever their order and the space in them.
func sameLines(t *testing.T, have []string, want string) {
	t.Helper()
	wanted := map[string]bool{}
	for line := range strings.Lines(want) {
		if words := strings.Fields(line); len(words) > 0 {
			wanted[strings.Join(words, " ")] = true
		}
	}
	for _, line := range have {
		if !wanted[line] {
			t.Errorf("there is, and should not be: %s", line)
		}
		delete(wanted, line)
	}
	for line := range wanted {
		t.Errorf("there should be, and is not: %s", line)
	}
}

func TestRolesMayDoWhatTheGridHas(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	conn := connect(t, r.admin)
	sameLines(t, grantedGrid(t, conn, "jobgen", r.prefix), grid)

	for object, owner := range map[string]string{
		"SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'jobgen'":                                                                                             "owner",
		"SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relnamespace = 'jobgen'::regnamespace":                                                    "migrate",
		"SELECT string_agg(DISTINCT proowner::regrole::text, ' ') FROM pg_proc WHERE pronamespace = 'jobgen'::regnamespace":                                                     "migrate",
		"SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname LIKE '" + r.prefix + "%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)": "",
	} {
		want := ""
		if owner != "" {
			want = r.prefix + owner
		}
		if have := query[*string](t, conn, object); have == nil && want != "" || have != nil && *have != want {
			t.Errorf("%s: %v, want %q", object, have, want)
		}
	}
}

// definers are the functions that run with their owner's rights; all others
// run within them.
func TestEachFunctionThatARoleMayCallRunsAsItsOwnerWithAFixedSearchPath(t *testing.T) {
	t.Parallel()
	conn := connect(t, usual.empty.DSN(t))
	for line := range strings.Lines(grid) {
		name, callers, isFunction := strings.Cut(line, "()")
		if !isFunction {
			continue
		}
		called := len(strings.Fields(callers)) > 1
		definer := query[bool](t, conn, "SELECT prosecdef FROM pg_proc WHERE pronamespace = 'jobgen'::regnamespace AND proname = $1", name)
		pinned := query[bool](t, conn, `SELECT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false) FROM pg_proc
			WHERE pronamespace = 'jobgen'::regnamespace AND proname = $1`, name)
		if definer != called || pinned != called {
			t.Errorf("%s: a role may call it: %t; it runs as its owner: %t, with a fixed search_path: %t", name, called, definer, pinned)
		}
	}
	if open := query[*string](t, conn, `SELECT string_agg(proname, ' ') FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		WHERE pronamespace = 'jobgen'::regnamespace AND a.grantee = 0`); open != nil {
		t.Errorf("everybody may call %s", *open)
	}
}

func TestTheRolesScriptMayBeRunAtAnyTime(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	conn := connect(t, r.admin)
	exec(t, conn,
		"GRANT SELECT (payload) ON jobgen.job TO "+r.prefix+"enqueue",
		"GRANT DELETE ON jobgen.queue TO PUBLIC",
		"GRANT EXECUTE ON FUNCTION jobgen.drain TO "+r.prefix+"work")
	for _, role := range []string{r.admin, r.as(t, "migrate"), r.as(t, "migrate")} {
		if err := postgres.ApplyRoles(t.Context(), role, r.prefix); err != nil {
			t.Fatal(err)
		}
		sameLines(t, grantedGrid(t, conn, "jobgen", r.prefix), grid)
	}
	// What a migration adds is nobody's until the script says whose it is.
	migrate := connect(t, r.as(t, "migrate"))
	exec(t, migrate, "CREATE FUNCTION jobgen.more() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE jobgen.more (payload json)")
	sameLines(t, grantedGrid(t, conn, "jobgen", r.prefix), grid+"more() EXECUTE\n")
}

func TestASchemaThatOneRoleMadeChangesHands(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	prefix := newPrefix(t, dsn)
	store := open(t, dsn)
	add(t, store, 1)
	if err := postgres.ApplyRoles(t.Context(), dsn, prefix); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	sameLines(t, grantedGrid(t, conn, "jobgen", prefix), grid)
	if owners := query[string](t, conn, `SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relnamespace = 'jobgen'::regnamespace`); owners != prefix+"migrate" {
		t.Errorf("the tables are %s's", owners)
	}
	if _, err := notes(t, store).TryClaim(t.Context(), "h"); err != nil {
		t.Error(err)
	}
	if err := store.Upkeep(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// TestNoStepNeedsASuperuser makes the roles as an administrator such as those
// that hosted databases have, and migrates as an ordinary role.
func TestNoStepNeedsASuperuser(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	prefix := newPrefix(t, dsn, "boss")
	conn := connect(t, dsn)
	exec(t, conn,
		"CREATE ROLE "+prefix+"boss LOGIN PASSWORD 'secret' CREATEROLE",
		fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %sboss", query[string](t, conn, "SELECT quote_ident(current_database())"), prefix))
	boss := asRole(t, dsn, prefix+"boss", "secret")
	apply := func() {
		t.Helper()
		if err := postgres.ApplyRoles(t.Context(), boss, prefix); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	exec(t, connect(t, boss), "ALTER ROLE "+prefix+"migrate LOGIN PASSWORD 'secret'")
	if err := postgres.Migrate(t.Context(), asRole(t, dsn, prefix+"migrate", "secret")); err != nil {
		t.Fatal(err)
	}
	apply()
	sameLines(t, grantedGrid(t, conn, "jobgen", prefix), grid)
}

func TestRolesOfASchemaWithAnOddName(t *testing.T) {
	t.Parallel()
	r := newRoles(t, odd)
	sameLines(t, grantedGrid(t, connect(t, r.admin), `"Jobs of jobgen.x; -- ünï"`, r.prefix), grid)
}

func TestRolesCanHaveAnOddPrefix(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	prefix := newPrefix(t, dsn)
	script, err := postgres.RoleScript("Shop; -- 1.x " + prefix)
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	exec(t, conn, "BEGIN", script)
	if n := query[int](t, conn, "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1", "Shop; -- 1.x "+prefix+"%"); n != 6 {
		t.Errorf("%d roles were made", n)
	}
	exec(t, conn, "ROLLBACK")
}

func TestRoleNamesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for prefix, reason := range map[string]string{
		"":                      "the prefix of the roles is empty",
		strings.Repeat("x", 57): "64 bytes, more than the 63",
		"a'b":                   "holds one of",
		`a"b`:                   "holds one of",
		"$$":                    "holds one of",
		"a\nb":                  "a control character",
		"\xff":                  "not valid UTF-8",
		"pg_":                   "reserved",
	} {
		if _, err := postgres.RoleScript(prefix); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	if _, err := postgres.RoleScript("shop_", postgres.WithSchema("public")); err == nil || !strings.Contains(err.Error(), `schema "public" belongs to others`) {
		t.Errorf("schema public: %v", err)
	}
}
