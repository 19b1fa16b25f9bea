package rolltest

import (
	"context"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

const module = "example.com/roll"

// goMod is the module of the binaries.
const goMod = `module ` + module + `

go 1.26

require github.com/jobgen/jobgen v0.0.0

replace github.com/jobgen/jobgen => %s
`

// appFile is written by hand beside the generated code of one change.
const appFile = `package %s

import (
	"context"
	"fmt"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/value"
)

func pointer[T any](v T) *T { return &v }

// Send enqueues job n of a sender.
func Send(ctx context.Context, service runtime.JobService, by string, n int64) error {
	p := RollJob{By: by, N: n}
	s := fmt.Sprint(n)
	_ = s
	%s
	_, err := EnqueueRoll(ctx, service, p)
	return err
}

// Handle hands did what it is handed, and whether that is what its sender meant.
func Handle(mux *runtime.Mux, did func(ctx context.Context, by string, n int64, right bool, what string) error) {
	HandleRoll(mux, func(ctx context.Context, job *runtime.Job, p RollJob) error {
		s := fmt.Sprint(p.N)
		_ = s
		return did(ctx, p.By, p.N, %s, fmt.Sprintf("version %%d: %%+v", job.PayloadVersion, p))
	}%s)
}

var _ = value.Date{}
`

const upgradesFile = `package %s

import (
	"context"
	"strconv"
)

type upgrades struct{}

func (upgrades) UpgradeRollV1(ctx context.Context, old RollJobV1) (p RollJob, err error) {
	p.By, p.N = old.By, old.N
	%s
	return p, err
}

var _ = strconv.Itoa
`

// mainFile is one binary, with all changes in it.
const mainFile = `package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
%s)

const me = %q

type change struct {
	catalogue *runtime.Catalogue
	send      func(context.Context, runtime.JobService, string, int64) error
	handle    func(*runtime.Mux, func(context.Context, string, int64, bool, string) error)
}

var changes = []change{
%s}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run works, or not, and sends a job of each change, from number first on, for
// each line of its input, until that ends.
func run(first string, roles []string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all []*runtime.Catalogue
	for _, c := range changes {
		all = append(all, c.catalogue)
	}
	store, err := postgres.Open(context.WithoutCancel(ctx), os.Getenv("DATABASE_URL"), runtime.JoinCatalogues(all...))
	if err != nil {
		return err
	}
	defer store.Close()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer pool.Close()
	worked := make(chan error, 1)
	if slices.Contains(roles, "work") {
		go func() { worked <- work(ctx, store, pool) }()
	} else {
		worked <- nil
	}
	if err := send(ctx, store, pool, first); err != nil {
		return fmt.Errorf("send: %%w", err)
	}
	stop()
	return <-worked
}

func work(ctx context.Context, store *postgres.Store, pool *pgxpool.Pool) error {
	mux := runtime.NewMux()
	for i, c := range changes {
		c.handle(mux, func(ctx context.Context, by string, n int64, right bool, what string) error {
			_, err := pool.Exec(ctx, "INSERT INTO handled VALUES ($1, $2, $3, $4, $5, $6)", i, n, by, me, right, what)
			return err
		})
	}
	return runtime.NewWorker(store, mux, runtime.WithHandlers(2)).Run(ctx)
}

func send(ctx context.Context, store *postgres.Store, pool *pgxpool.Pool, first string) error {
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); n++ {
		for i, c := range changes {
			if err := c.send(ctx, store, me, n); err != nil {
				return err
			}
			if _, err := pool.Exec(ctx, "INSERT INTO sent VALUES ($1, $2, $3)", i, n, me); err != nil {
				return err
			}
		}
		fmt.Println(n)
	}
	return nil
}
`

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".go") {
		formatted, err := format.Source([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, text)
		}
		text = string(formatted)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// generate does what jobgen generate does with the jobs.yaml in dir, and
// returns what became of the lock.
func generate(t *testing.T, dir string) lock.Result {
	t.Helper()
	path := filepath.Join(dir, "jobs.yaml")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, mistakes := schema.Parse("jobs.yaml", src)
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, src)
	}
	var old *schema.Lock
	if locked, err := os.ReadFile(lock.Path(path)); err == nil {
		if old, mistakes = lock.Parse("jobs.lock", locked); old == nil {
			t.Fatalf("%v\n%s", mistakes, locked)
		}
	}
	r := lock.Advance(old, file)
	if len(r.Refused) > 0 {
		return r
	}
	file.Lock = r.Lock
	pkg, out, mistakes, err := gotypes.Load(t.Context(), file, dir)
	if err != nil || len(mistakes) > 0 {
		t.Fatal(err, mistakes)
	}
	code, err := emit.Files(pkg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := emit.Write(out, code); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write(lock.Path(path), lock.Format(r.Lock)); err != nil {
		t.Fatal(err)
	}
	return r
}

// generateBoth generates both sides of change i below dir, with the programs
// around them, and returns what became of the lock with the new side.
func generateBoth(t *testing.T, dir string, i int) lock.Result {
	t.Helper()
	c, name := changes[i], jobName(i)
	before, after := filepath.Join(dir, "old", name), filepath.Join(dir, "new", name)
	write(t, filepath.Join(before, "jobs.yaml"), c.old.yaml(i, module+"/old/"+name, 1))
	generate(t, before)
	write(t, filepath.Join(before, "app.go"), goText(i, fmt.Sprintf(appFile, name, c.old.make, c.old.right, "")))

	locked, err := os.ReadFile(filepath.Join(before, "jobs.lock"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(after, "jobs.lock"), string(locked))
	version := 1
	if c.class == byHand {
		write(t, filepath.Join(after, "jobs.yaml"), c.new.yaml(i, module+"/new/"+name, 1))
		stranded := slices.ContainsFunc(findings(t, i), func(f breaking.Finding) bool { return f.Level == breaking.Rows })
		if r := generate(t, after); (len(r.Refused) > 0) != stranded { // another meaning is nothing that jobgen can see
			t.Fatalf("%s: refused without a version: %+v", c.name, r.Refused)
		}
		write(t, filepath.Join(after, "jobs.lock"), string(locked))
		version = 2
	}
	write(t, filepath.Join(after, "jobs.yaml"), c.new.yaml(i, module+"/new/"+name, version))
	r := generate(t, after)
	if len(r.Refused) > 0 {
		t.Fatalf("%s: refused: %+v", c.name, r.Refused)
	}
	passed := ""
	if c.upgrade != "" {
		passed = ", upgrades{}"
	}
	write(t, filepath.Join(after, "app.go"), goText(i, fmt.Sprintf(appFile, name, c.new.make, c.new.right, passed)))
	if c.upgrade != "" {
		write(t, filepath.Join(after, "upgrades.go"), goText(i, fmt.Sprintf(upgradesFile, name, c.upgrade)))
	}
	return r
}

// build makes a binary of each side below dir.
func build(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), fmt.Sprintf(goMod, root))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	for _, side := range []string{"old", "new"} {
		var imports, list strings.Builder
		for i := range changes {
			name := jobName(i)
			fmt.Fprintf(&imports, "\t%q\n", module+"/"+side+"/"+name)
			fmt.Fprintf(&list, "\t{%s.Catalogue, %[1]s.Send, %[1]s.Handle},\n", name)
		}
		write(t, filepath.Join(dir, side, "main.go"), fmt.Sprintf(mainFile, imports.String(), side, list.String()))
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-mod=mod", "-o", filepath.Join(dir, "bin")+string(filepath.Separator), "./old", "./new")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false", "GOPROXY=off", "GONOSUMDB=*")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}
