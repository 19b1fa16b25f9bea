package repo_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A program is a complete Go file of a document, with the lines that it prints
// in the order in which it prints them: the block of text behind it.
type program struct {
	page, folder string
	prints       []string
}

// shopPackage is what each jobs.yaml of the documents generates.
const shopPackage = "example.com/shop/gen/jobs"

// TestTheCodeOfTheDocumentsWorks makes one module of all documents: each
// jobs.yaml is generated, each piece of Go compiles, and each program of a guide
// prints what the guide says and ends with exit code 0 when it gets SIGTERM.
// TestGettingStartedWorks follows that guide by itself.
func TestTheCodeOfTheDocumentsWorks(t *testing.T) {
	t.Parallel()
	dir := newShop(t, "version: 1\npackage: "+shopPackage+"\nqueues: {q: {}}\njobs: {a: {queue: q, payload: {a: string}}}\n")
	var programs []program
	files, pieces := 0, 0
	all := pages(t)
	for _, page := range slices.Sorted(maps.Keys(all)) {
		if page == "docs/reference/diagnostics.md" {
			continue // which shows what is refused; internal/gotypes tests it
		}
		list := snippets(t, page)
		folder := strings.NewReplacer("docs/", "", "/", "_", ".md", "").Replace(page)
		jobsPackage := module + "/gen/jobs"
		for i, s := range list {
			if s.language != "yaml" || !s.complete() {
				continue
			}
			at := fmt.Sprintf("%s/yaml%d", folder, i)
			write(t, filepath.Join(dir, at, "jobs.yaml"), strings.Replace(s.text, "package: "+shopPackage, "package: example.com/shop/"+at+"/gen/jobs", 1))
			if jobsPackage == module+"/gen/jobs" {
				jobsPackage = "example.com/shop/" + at + "/gen/jobs" // also for what stands above it
			}
			run(t, dir, "go", "tool", "jobgen", "generate", at+"/jobs.yaml")
			files++
		}
		for i, s := range list {
			at := fmt.Sprintf("%s/%s%d", folder, s.language, i)
			switch {
			case s.language == "yaml" && s.complete():
				jobsPackage = "example.com/shop/" + at + "/gen/jobs"
			case s.language != "go":
			case !s.complete():
				pieces++
				write(t, filepath.Join(dir, at, "piece.go"), inSurroundings(t, s, jobsPackage, given(all[page])))
			case page == "docs/getting-started.md":
			default:
				text := strings.ReplaceAll(s.text, `"`+shopPackage+`"`, `"`+jobsPackage+`"`)
				if strings.Contains(text, `"testing"`) {
					write(t, filepath.Join(dir, at, "shop_test.go"), text)
					continue
				}
				write(t, filepath.Join(dir, at, "main.go"), text)
				p := program{page: page, folder: at}
				if i+1 < len(list) && list[i+1].language == "text" {
					p.prints = strings.Split(strings.TrimSpace(list[i+1].text), "\n")
				}
				programs = append(programs, p)
			}
		}
	}
	if files < 10 || pieces < 10 || len(programs) < 5 {
		t.Errorf("only %d files of jobs, %d pieces of Go and %d programs were found", files, pieces, len(programs))
	}
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "test", "./...")
	for _, p := range programs {
		t.Run(p.page, func(t *testing.T) {
			if len(p.prints) == 0 {
				t.Fatal("nothing says what the program prints")
			}
			printsItsLines(t, dir, p)
		})
	}
}

// known are the packages that pieces of Go may use without an import.
var known = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "log": "log", "os": "os", "signal": "os/signal", "slog": "log/slog",
	"sql": "database/sql", "syscall": "syscall", "testing": "testing", "time": "time",
	"pgx": "github.com/jackc/pgx/v5", "pgxpool": "github.com/jackc/pgx/v5/pgxpool", "snowflake": "github.com/bwmarrin/snowflake",
	"runtime": module + "/runtime", "memory": module + "/runtime/memory", "observe": module + "/runtime/observe", "postgres": module + "/runtime/postgres",
	"queuetest": module + "/runtime/queuetest", "sqlite": module + "/runtime/sqlite",
}

// surroundings are the variables that a piece of Go may refer to, by type. A
// page has others, or gives them another type, in a comment that begins with
// "given" and has one a line.
var surroundings = map[string]string{
	"ctx": "context.Context", "dsn": "string", "adminDSN": "string", "address": "string", "email": "string",
	"account": "snowflake.ID", "id": "snowflake.ID", "tx": "pgx.Tx", "pool": "*pgxpool.Pool", "store": "*postgres.Store",
	"mux": "*runtime.Mux", "harness": "queuetest.Harness", "send": "func(context.Context, jobs.EmailJob) error",
}

func given(page string) map[string]string {
	all := maps.Clone(surroundings)
	for _, comment := range regexp.MustCompile(`(?ms)^<!-- given\n(.*?)^-->$`).FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(comment[1]) {
			name, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
			all[name] = kind
		}
	}
	return all
}

// inSurroundings makes a file of a piece: of declarations, or of statements.
func inSurroundings(t *testing.T, s snippet, jobsPackage string, variables map[string]string) string {
	t.Helper()
	text := s.text
	if !regexp.MustCompile(`(?m)^(func|type) `).MatchString(text) {
		text = "func _() error {\n" + used(t, s) + "\treturn nil\n}\n"
	}
	var head, imports strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if regexp.MustCompile(`\b` + name + `\b`).MatchString(s.text) {
			fmt.Fprintf(&head, "var %s %s\n", name, variables[name])
		}
	}
	text = head.String() + "\n" + text
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(text) {
			fmt.Fprintf(&imports, "\t%q\n", known[name])
		}
	}
	if regexp.MustCompile(`\bjobs\.`).MatchString(text) {
		fmt.Fprintf(&imports, "\t%q\n", jobsPackage)
	}
	return "package piece\n\nimport (\n" + imports.String() + ")\n\n" + text
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
