package repo_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// TestGettingStartedWorks does what the guide says, in its order, from the
// empty folder to PostgreSQL.
func TestGettingStartedWorks(t *testing.T) {
	t.Parallel()
	const page = "docs/getting-started.md"
	parent := t.TempDir()
	dir := filepath.Join(parent, "shop")
	main := filepath.Join(dir, "main.go")
	done := map[string]int{}
	for _, s := range snippets(t, page) {
		done[s.language]++
		switch {
		case s.language == "yaml":
			write(t, filepath.Join(dir, "jobs.yaml"), s.text)
		case s.complete() && strings.Contains(s.text, `"testing"`):
			write(t, filepath.Join(dir, "main_test.go"), s.text)
		case s.complete():
			write(t, main, s.text)
		case s.language == "go" && strings.Contains(s.text, "postgres.Open("):
			program := strings.Replace(read(t, main), `"`+module+`/runtime/sqlite"`, `"`+module+`/runtime/postgres"`, 1)
			write(t, main, regexp.MustCompile(`\tstore, err := sqlite\.Open.*\n`).ReplaceAllString(program, s.text))
		case s.language == "sh" && strings.Contains(s.text, "go mod init"):
			const begin = "go mod init example.com/shop\n"
			script := strings.Replace(s.text, begin, begin+"go mod edit -replace="+thisModule(t)+" -require="+module+"@v0.0.0\n", 1)
			run(t, parent, "sh", "-euc", script)
			write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
		case s.language == "sh":
			for line := range strings.Lines(s.text) {
				line = strings.TrimSpace(line)
				switch setting, command, isRun := strings.Cut(line, "go run . "); {
				case isRun:
					var env []string
					if setting != "" {
						env = []string{"DATABASE_URL=" + pgtest.DSN(t)}
					}
					run(t, dir, "go", "build", "-o", "shop", ".")
					runUntil(t, dir, true, []string{"address=" + command}, env, filepath.Join(dir, "shop"), command)
				case line == "go mod tidy": // the go command of this test does it, where it may not download
				default:
					run(t, dir, "sh", "-euc", line)
				}
			}
		}
	}
	if done["sh"] < 5 || done["go"] < 3 || done["yaml"] != 1 {
		t.Errorf("the guide has only %v", done)
	}
}

func TestEachStatementOfThePostgreSQLGuideRuns(t *testing.T) {
	t.Parallel()
	count := 0
	for _, s := range snippets(t, "docs/operate/postgresql.md") {
		if s.language != "sql" || strings.Contains(s.text, "CREATE ROLE") {
			continue // TestTheRolesOfThePostgreSQLGuideSuffice runs those
		}
		count++
		dsn := pgtest.DSN(t)
		if err := postgres.Migrate(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		if _, err := conn.Exec(t.Context(), "BEGIN;\n"+s.text+";\nROLLBACK"); err != nil {
			t.Errorf("%v\n%s", err, s.text)
		}
	}
	if count < 6 {
		t.Errorf("only %d were found", count)
	}
}

// TestTheRolesOfThePostgreSQLGuideSuffice makes the guide's roles, migrates as
// the one for deployments, adds as the web server, works as the mailer and
// looks as the dashboard.
func TestTheRolesOfThePostgreSQLGuideSuffice(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	var logins string
	for _, s := range snippets(t, "docs/operate/postgresql.md") {
		if strings.Contains(s.text, "CREATE ROLE") {
			logins = s.text
		}
	}
	// Roles are the server's, so each run has its own, and drops them.
	prefix := "g" + strings.ToLower(rand.Text())[:12] + "_"
	logins = strings.NewReplacer("shop_", prefix, " LOGIN", " LOGIN PASSWORD 'secret'").Replace(logins)
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	late := context.WithoutCancel(t.Context())
	defer admin.Close(late)
	apply := func(dsn string) {
		t.Helper()
		if err := postgres.ApplyRoles(t.Context(), dsn, prefix); err != nil {
			t.Fatal(err)
		}
	}
	apply(dsn)
	defer func() {
		for _, role := range []string{"deploy", "web", "mailer", "dashboard", "admin", "read", "work", "enqueue", "migrate", "owner"} {
			if _, err := admin.Exec(late, "DROP OWNED BY "+prefix+role+" CASCADE; DROP ROLE "+prefix+role); err != nil {
				t.Error(err)
			}
		}
	}()
	if _, err := admin.Exec(t.Context(), logins); err != nil {
		t.Fatal(err)
	}
	as := func(role string) string {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(prefix+role, "secret")
		return u.String()
	}
	open := func(role string) *postgres.Store {
		t.Helper()
		store, err := postgres.Open(t.Context(), as(role), jobs.Catalogue, postgres.WithoutMigrations())
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	if err := postgres.Migrate(t.Context(), as("deploy")); err != nil {
		t.Fatal(err)
	}
	apply(as("deploy"))
	var owner string
	if err := admin.QueryRow(t.Context(), "SELECT tableowner FROM pg_tables WHERE schemaname = 'jobgen' AND tablename = 'job'").Scan(&owner); err != nil || owner != prefix+"migrate" {
		t.Errorf("the table's owner is %q, %v", owner, err)
	}
	web, mailer, dashboard := open("web"), open("mailer"), open("dashboard")
	defer web.Close()
	defer mailer.Close()
	defer dashboard.Close()
	if _, err := jobs.EnqueueEmail(t.Context(), web, jobs.NewEmailJob(1, "welcome")); err != nil {
		t.Fatal(err)
	}
	look := func(want int64) {
		t.Helper()
		queue, err := dashboard.GetQueue(t.Context(), jobs.EmailQueue)
		if err != nil {
			t.Fatal(err)
		}
		if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != want {
			t.Errorf("the dashboard sees %+v, %v; want %d waiting", stats, err, want)
		}
	}
	look(1)
	mux := runtime.NewMux()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	jobs.HandleEmail(mux, func(context.Context, *runtime.Job, jobs.EmailJob) error { stop(); return nil })
	if err := runtime.NewWorker(mailer, mux).Run(ctx); err != nil {
		t.Fatal(err)
	}
	look(0)
}

func TestEachStatementOfTheSQLiteGuideRuns(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), jobs.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	count := 0
	for _, s := range snippets(t, "docs/operate/sqlite.md") {
		if s.language != "sql" {
			continue
		}
		for statement := range strings.SplitSeq(s.text, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			count++
			rows, err := store.DB().QueryContext(t.Context(), statement)
			if err != nil {
				t.Errorf("%v\n%s", err, statement)
				continue
			}
			for rows.Next() {
				continue
			}
			if err := rows.Err(); err != nil {
				t.Errorf("%v\n%s", err, statement)
			}
			rows.Close()
		}
	}
	if count < 3 {
		t.Errorf("only %d were found", count)
	}
}
