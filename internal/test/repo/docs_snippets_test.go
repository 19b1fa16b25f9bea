package repo_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A snippet is a fenced block of a document.
type snippet struct{ page, language, text string }

// snippets returns a page's blocks, without the spaces that they stand in.
func snippets(t *testing.T, page string) []snippet {
	t.Helper()
	var list []snippet
	for _, block := range regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$").FindAllStringSubmatch(read(t, page), -1) {
		text := regexp.MustCompile("(?m)^"+block[1]).ReplaceAllString(block[3], "")
		list = append(list, snippet{page, block[2], text})
	}
	return list
}

// complete reports whether the snippet is a file, not a piece of one.
func (s snippet) complete() bool {
	switch s.language {
	case "go":
		return strings.HasPrefix(s.text, "package ")
	case "yaml":
		return regexp.MustCompile(`(?m)^version:`).MatchString(s.text)
	}
	return false
}

// goEnvironment makes the go command take modules from the cache, so that the
// network is not asked for jobgen, and keep go.mod right itself.
var goEnvironment = sync.OnceValues(func() ([]string, error) {
	// A build leaves out of the cache what it has no use for, such as modules
	// for another system, whose go.mod is read all the same. Where there is no
	// network, the cache may still do: what is missing will be named.
	_ = exec.Command("go", "mod", "download").Run()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env struct{ GOCACHE, GOMODCACHE string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return append(os.Environ(),
		"GOCACHE="+env.GOCACHE, "GOMODCACHE="+env.GOMODCACHE, "GOPROXY=file://"+filepath.ToSlash(env.GOMODCACHE)+"/cache/download",
		"GOFLAGS=-mod=mod -buildvcs=false -ldflags=-w", "GONOSUMDB=*", "GOTOOLCHAIN=local", "GOWORK=off"), nil
})

// run runs a command in dir and returns what it says.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	env, err := goEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	command.Dir, command.Env = dir, env
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// thisModule is the replacement that a module needs to be built with jobgen as
// it is here.
func thisModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return module + "=" + root
}

// newShop makes the module that the documents speak of.
func newShop(t *testing.T, yaml string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	write(t, filepath.Join(dir, "jobs.yaml"), yaml)
	run(t, dir, "go", "mod", "init", "example.com/shop")
	run(t, dir, "go", "mod", "edit", "-replace="+thisModule(t), "-require="+module+"@v0.0.0")
	run(t, dir, "go", "get", "-tool", module+"/cmd/jobgen")
	return dir
}

func TestEachJobsYAMLOfTheDocumentsIsAccepted(t *testing.T) {
	t.Parallel()
	var files []string // each in a folder of its own, with its code below
	all := make(map[string]string)
	for page := range pages(t) {
		if page == "docs/reference/diagnostics.md" {
			continue // which shows what is refused; internal/gotypes tests it
		}
		for _, s := range snippets(t, page) {
			if s.language != "yaml" || !s.complete() {
				continue
			}
			folder := fmt.Sprintf("%s_%d", strings.TrimSuffix(filepath.Base(page), ".md"), len(files)+1)
			file := folder + "/jobs.yaml"
			all[file] = strings.Replace(s.text, "package: example.com/shop/", "package: example.com/shop/"+folder+"/", 1)
			files = append(files, file)
		}
	}
	if len(files) < 3 {
		t.Fatalf("only %d were found", len(files))
	}
	dir := newShop(t, all[files[0]])
	for _, file := range files {
		write(t, filepath.Join(dir, file), all[file])
		run(t, dir, "go", "tool", "jobgen", "generate", file)
	}
	run(t, dir, "go", "vet", "./...")
}

// surroundings are what a piece of Go may refer to.
const surroundings = `
var (
	ctx                           = context.Background()
	dsn, adminDSN, address, email string
	account, id                   snowflake.ID
	tx                            pgx.Tx
	pool                          *pgxpool.Pool
	store                         *%s.Store
	mux                           *runtime.Mux
	harness                       queuetest.Harness
	send                          func(context.Context, jobs.%s) error
)

var _, _ = os.Getenv, postgres.Open
`

// inSurroundings makes a file of a piece: of declarations, or of statements.
func inSurroundings(t *testing.T, s snippet) string {
	t.Helper()
	backend, jobsPackage, payload := "postgres", module+"/gen/jobs", "EmailJob"
	switch s.page {
	case "docs/operate/sqlite.md":
		backend = "sqlite"
	case "docs/getting-started.md":
		jobsPackage, payload = "example.com/shop/gen/jobs", "WelcomeJob"
	}
	var file strings.Builder
	file.WriteString("package piece\n\nimport (\n")
	for _, path := range []string{
		"context", "os", "testing",
		"github.com/bwmarrin/snowflake", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgxpool",
		module + "/runtime", module + "/runtime/postgres", module + "/runtime/sqlite", module + "/runtime/queuetest", jobsPackage,
	} {
		fmt.Fprintf(&file, "\t%q\n", path)
	}
	file.WriteString(")\n\nvar (\n\t_ *testing.T\n\t_ *sqlite.Store\n)\n")
	fmt.Fprintf(&file, surroundings, backend, payload)
	if strings.HasPrefix(s.text, "func ") {
		return file.String() + s.text
	}
	return file.String() + "\nfunc _() error {\n" + used(t, s) + "\treturn nil\n}\n"
}

// used is a piece of statements in which each variable is used after it is
// made, as the compiler wants.
func used(t *testing.T, s snippet) string {
	t.Helper()
	const head = "package p; func _() {\n"
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, s.page, head+s.text+"}", parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.page, err, s.text)
	}
	text := s.text
	for _, statement := range slices.Backward(file.Decls[0].(*ast.FuncDecl).Body.List) {
		if assign, ok := statement.(*ast.AssignStmt); ok && assign.Tok == token.DEFINE {
			end := files.Position(assign.End()).Offset - len(head)
			for _, name := range assign.Lhs {
				text = text[:end] + "; _ = " + name.(*ast.Ident).Name + text[end:]
			}
		}
	}
	return text
}

func TestEachPieceOfGoInTheDocumentsCompiles(t *testing.T) {
	t.Parallel()
	var yaml string
	for _, s := range snippets(t, "docs/getting-started.md") {
		if s.language == "yaml" {
			yaml = s.text
		}
	}
	dir := newShop(t, yaml)
	run(t, dir, "go", "tool", "jobgen", "generate")
	count := 0
	for page := range pages(t) {
		for _, s := range snippets(t, page) {
			if s.language != "go" || s.complete() {
				continue // TestGettingStartedWorks runs what is complete
			}
			count++
			name := fmt.Sprintf("piece_%s_%d", strings.TrimSuffix(filepath.Base(page), ".md"), count)
			write(t, filepath.Join(dir, name, "piece.go"), inSurroundings(t, s))
		}
	}
	if count < 7 {
		t.Errorf("only %d were found", count)
	}
	run(t, dir, "go", "build", "./...")
}
