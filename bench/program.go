package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the least programs with each peer: they open PostgreSQL,
// enqueue a job and work it.
var programs = map[string]string{
	"jobgen": `package main

import (
	"context"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func main() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, "", jobs.Catalogue)
	if err != nil {
		panic(err)
	}
	if _, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome")); err != nil {
		panic(err)
	}
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(context.Context, *runtime.Job, jobs.EmailJob) error { return nil })
	panic(runtime.NewWorker(store, mux).Run(ctx))
}
`,
	"river": `package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

type args struct{}

func (args) Kind() string { return "email" }

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		panic(err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[args]) error { return nil }))
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}},
	})
	if err != nil {
		panic(err)
	}
	if _, err := client.Insert(ctx, args{}, nil); err != nil {
		panic(err)
	}
	panic(client.Start(ctx))
}
`,
	"gue": `package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vgarvardt/gue/v5"
	"github.com/vgarvardt/gue/v5/adapter/pgxv5"
)

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		panic(err)
	}
	client, err := gue.NewClient(pgxv5.NewConnPool(pool))
	if err != nil {
		panic(err)
	}
	if err := client.Enqueue(ctx, &gue.Job{Type: "email"}); err != nil {
		panic(err)
	}
	work := gue.WorkMap{"email": func(context.Context, *gue.Job) error { return nil }}
	workers, err := gue.NewWorkerPool(client, work, 16)
	if err != nil {
		panic(err)
	}
	panic(workers.Run(ctx))
}
`,
	"raw": `package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		panic(err)
	}
	_, err = pool.Exec(ctx, "SELECT 1")
	panic(err)
}
`,
}

// programOf builds a peer's least program in a module of its own, at the
// versions that this program was built with.
func programOf(ctx context.Context, p peer) (figures, error) {
	dir, err := os.MkdirTemp("", "jobgen-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	root, err := rootModule(ctx)
	if err != nil {
		return nil, err
	}
	mod := "module program\n\ngo 1.26.0\n"
	if p.name == "jobgen" {
		mod += "\nrequire github.com/jobgen/jobgen v0.0.0\n\nreplace github.com/jobgen/jobgen => " + root + "\n"
	}
	required := map[string][]string{
		"river": {"github.com/riverqueue/river", "github.com/riverqueue/river/riverdriver/riverpgxv5"},
		"gue":   {"github.com/vgarvardt/gue/v5"},
		"raw":   {"github.com/jackc/pgx/v5"},
	}
	for _, module := range required[p.name] {
		// Each peer with pgx in the version that all are measured with.
		out, err := goTool(ctx, "", "list", "-m", module, "github.com/jackc/pgx/v5")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(out)) {
			mod += "require " + line
		}
	}
	for name, text := range map[string]string{"go.mod": mod, "main.go": programs[p.name]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if _, err := goTool(ctx, dir, "mod", "tidy"); err != nil {
		return nil, err
	}
	graph, err := goTool(ctx, dir, "list", "-m", "all")
	if err != nil {
		return nil, err
	}
	built, err := goTool(ctx, dir, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	if _, err := goTool(ctx, dir, "build", "-trimpath", "-ldflags=-s -w", "-o", "program", "."); err != nil {
		return nil, err
	}
	info, err := os.Stat(filepath.Join(dir, "program"))
	if err != nil {
		return nil, err
	}
	return figures{
		// The program's own module counts, as go list has it.
		"graph": float64(distinct(graph)), "built": float64(distinct(built)), "megabytes": float64(info.Size()) / 1e6,
	}, nil
}

func distinct(lines []byte) int {
	set := make(map[string]bool)
	for line := range strings.Lines(string(lines)) {
		if line = strings.TrimSpace(line); line != "" {
			set[line] = true
		}
	}
	return len(set)
}

// rootModule is the folder of jobgen's module.
func rootModule(ctx context.Context) (string, error) {
	out, err := goTool(ctx, "", "list", "-m", "-f", "{{.Dir}}", "github.com/jobgen/jobgen")
	return strings.TrimSpace(string(out)), err
}

func goTool(ctx context.Context, dir string, args ...string) ([]byte, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("sizes of programs need the go tool: %w", errMissing)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, &stderr)
	}
	return out, nil
}
