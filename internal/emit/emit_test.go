package emit_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/gotypes"
)

// emailPackage is this repository's own jobs.yaml.
func emailPackage() *gotypes.Package {
	return &gotypes.Package{
		Source: "jobs.yaml",
		Path:   "github.com/jobgen/jobgen/gen/jobs",
		Name:   "jobs",
		Queues: []*gotypes.Queue{{Name: "Emails", Value: "emails"}},
		Jobs: []*gotypes.Job{{
			Type: "email", Name: "Email", File: "email_job.gen.go", Queue: "emails",
			Doc: "Sends one e-mail to one account.",
			Fields: []*gotypes.Field{
				field("account_id", "AccountID", "accountID", of("snowflake")),
				field("email_id", "EmailID", "emailID", of("string")),
			},
			Options: []gotypes.Option{{Name: "max_attempts", Value: int64(3)}, {Name: "max_work_duration", Value: 30 * time.Second}},
		}},
	}
}

func field(key, name, param string, t gotypes.Type) *gotypes.Field {
	return &gotypes.Field{Key: key, Name: name, Param: param, Type: t}
}

func of(builtin string) gotypes.Type { return gotypes.Type{Builtin: fieldtype.Named(builtin)} }

// fullPackage uses everything that a package can hold.
func fullPackage() *gotypes.Package {
	address := &gotypes.Named{Name: "Address", Doc: "Where a parcel goes.", Fields: []*gotypes.Field{
		{Key: "street", Name: "Street", Param: "street", Doc: "Street and number.\nOn one line.", Type: of("string")},
		field("next", "Next", "next", gotypes.Type{Kind: gotypes.KindNamed, Optional: true}),
	}}
	address.Fields[1].Type.Named = address
	status := &gotypes.Named{Name: "Status", IsEnum: true, Doc: "Status of an account.", Enum: []*gotypes.EnumValue{
		{Name: "StatusActive", Value: "active", Doc: "It can log in."},
		{Name: "StatusAccountClosed", Value: "account.closed"},
	}}
	var every []*gotypes.Field
	for _, builtin := range fieldtype.All() {
		name := strings.ToUpper(builtin.Name[:1]) + builtin.Name[1:]
		every = append(every,
			field("f_"+builtin.Name, "F"+name, "f"+name, of(builtin.Name)),
			field("o_"+builtin.Name, "O"+name, "o"+name, gotypes.Type{Builtin: builtin, Optional: true}))
	}
	element := gotypes.Type{Kind: gotypes.KindNamed, Named: status, Optional: true}
	list := gotypes.Type{Kind: gotypes.KindList, Elem: &element}
	url := gotypes.Type{Kind: gotypes.KindImported, Import: "net/url", Name: "URL"}
	every = append(every,
		field("list", "List", "list", list),
		field("table", "Table", "table", gotypes.Type{Kind: gotypes.KindMap, Elem: &list, Optional: true}),
		field("address", "Address", "address", gotypes.Type{Kind: gotypes.KindNamed, Named: address}),
		field("url", "URL", "url", url),
		field("a b/c:ü", "Odd", "odd", of("string")),
		field("dates", "Dates", "dates", gotypes.Type{Kind: gotypes.KindList, Elem: &gotypes.Type{Builtin: fieldtype.Named("date")}}),
		field("deep", "Deep", "deep", gotypes.Type{Kind: gotypes.KindList, Elem: &gotypes.Type{
			Kind: gotypes.KindMap, Optional: true, Elem: &gotypes.Type{Kind: gotypes.KindList, Optional: true, Elem: &gotypes.Type{Builtin: fieldtype.Named("int")}},
		}}),
		field("parcels", "Parcels", "parcels", gotypes.Type{Kind: gotypes.KindMap, Elem: &gotypes.Type{Kind: gotypes.KindNamed, Named: address}}),
		field("addrs", "Addrs", "addrs", gotypes.Type{Kind: gotypes.KindList, Optional: true, Elem: &gotypes.Type{
			Kind: gotypes.KindImported, Optional: true, Import: "net/netip", Name: "Addr",
		}}),
		field("anything", "Anything", "anything", gotypes.Type{Kind: gotypes.KindMap, Optional: true, Elem: &gotypes.Type{Builtin: fieldtype.Named("json"), Optional: true}}))
	with := func(f *gotypes.Field, d gotypes.Default) *gotypes.Field { f.Default = &d; return f }
	old := field("old", "Old", "old", of("string"))
	old.Doc, old.Deprecated = "What was there before.", "use new"
	defaults := []*gotypes.Field{
		old,
		with(field("text", "Text", "text", of("string")), gotypes.Default{Value: "a \"b\"\n"}),
		with(field("yes", "Yes", "yes", of("bool")), gotypes.Default{Value: true}),
		with(field("count", "Count", "count", of("int32")), gotypes.Default{Value: int64(-5)}),
		with(field("share", "Share", "share", of("float64")), gotypes.Default{Value: 2.5e-9}),
		with(field("whole", "Whole", "whole", of("float64")), gotypes.Default{Value: 3.0}),
		with(field("wait", "Wait", "wait", of("duration")), gotypes.Default{Value: 90 * time.Second}),
		with(field("status", "Status", "status", gotypes.Type{Kind: gotypes.KindNamed, Named: status}), gotypes.Default{Value: "active", Const: "StatusActive"}),
	}
	previousStatus := &gotypes.Named{Name: "OrderJobV2Status", IsEnum: true, Enum: []*gotypes.EnumValue{{Name: "OrderJobV2StatusA", Value: "a"}}}
	previousLine := &gotypes.Named{Name: "OrderJobV2Line", Fields: []*gotypes.Field{
		field("status", "Status", "status", gotypes.Type{Kind: gotypes.KindNamed, Named: previousStatus}), field("url", "URL", "url", url), defaults[3],
	}}
	line := gotypes.Type{Kind: gotypes.KindNamed, Named: previousLine}
	order := &gotypes.Job{
		Type: "order", Name: "Order", File: "order_job.gen.go", Queue: "orders", Fields: defaults, Version: 5,
		Previous: []*gotypes.PreviousVersion{
			{Version: 1},
			{
				Version: 2, Name: "OrderJobV2", File: "order_job_v2.gen.go", Upgrade: "UpgradeOrderV2", Types: []*gotypes.Named{previousLine, previousStatus},
				Fields: []*gotypes.Field{field("lines", "Lines", "lines", gotypes.Type{Kind: gotypes.KindList, Elem: &line}), defaults[1]},
			},
			{Version: 3, Name: "OrderJobV3", File: "order_job_v3.gen.go", Upgrade: "UpgradeOrderV3"},
			{Version: 4},
		},
	}
	pkg := emailPackage()
	pkg.Queues = append(pkg.Queues, &gotypes.Queue{Name: "Orders", Value: "orders", Doc: "Slow."}, &gotypes.Queue{Name: "Idle", Value: "idle"}, &gotypes.Queue{Name: "Ping", Value: "parcels"})
	pkg.Jobs[0].Version = 2 // whose previous versions are pruned
	pkg.Types = []*gotypes.Named{address, status, {Name: "Nothing"}, {Name: "Never", IsEnum: true}}
	pkg.Jobs = append(pkg.Jobs,
		&gotypes.Job{Type: "every", Name: "Every", File: "every_job.gen.go", Queue: "parcels", Fields: every, Options: []gotypes.Option{{Name: "max_work_duration", Value: time.Duration(0)}, {Name: "priority", Value: int64(4)}}},
		&gotypes.Job{Type: "ping", Name: "Ping", File: "ping_job.gen.go", Queue: "parcels", Options: []gotypes.Option{{Name: "max_attempts", Value: int64(1)}}},
		order)
	return pkg
}

// imports reads what generated code imports from the go command's build cache.
var imports = sync.OnceValues(func() (types.Importer, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"github.com/jobgen/jobgen/runtime", "github.com/jobgen/jobgen/runtime/value", "github.com/bwmarrin/snowflake", "net/url", "net/netip").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		file, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("package %s is none that these tests import", path)
		}
		return os.Open(file)
	}), nil
})

// compiling serialises type checks, since an importer fills itself as it goes.
var compiling sync.Mutex

// compile type-checks generated files and asks that gofmt has nothing to do.
func compile(t testing.TB, pkg *gotypes.Package, files []emit.File) {
	t.Helper()
	compiling.Lock()
	defer compiling.Unlock()
	from, err := imports()
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		if formatted, err := format.Source(f.Data); err != nil {
			t.Fatalf("%s: %v\n%s", f.Name, err, f.Data)
		} else if d := cmp.Diff(string(f.Data), string(formatted)); d != "" {
			t.Errorf("%s: gofmt changes it (-have +want):\n%s", f.Name, d)
		}
		code, err := parser.ParseFile(fset, f.Name, f.Data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v\n%s", f.Name, err, f.Data)
		}
		parsed = append(parsed, code)
	}
	config := types.Config{Importer: from, Error: func(err error) { t.Error(err) }}
	if _, err := config.Check(pkg.Path, fset, parsed, nil); err != nil {
		t.Errorf("the generated package does not compile: %v", err)
	}
}

func filesOf(t testing.TB, pkg *gotypes.Package) []emit.File {
	t.Helper()
	files, err := emit.Files(pkg)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEverythingThatAPackageHoldsCompiles(t *testing.T) {
	t.Parallel()
	for name, pkg := range map[string]*gotypes.Package{
		"email": emailPackage(), "full": fullPackage(), "empty": {Source: "jobs.yaml", Path: "example.com/x", Name: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compile(t, pkg, filesOf(t, pkg))
		})
	}
}

func TestEachRunHasTheSameResult(t *testing.T) {
	t.Parallel()
	want := filesOf(t, fullPackage())
	for range 10 {
		if d := cmp.Diff(want, filesOf(t, fullPackage())); d != "" {
			t.Fatalf("a second run differs:\n%s", d)
		}
	}
}

func TestAJobCostsTheReaderFewLines(t *testing.T) {
	t.Parallel()
	const limit = 60
	for _, f := range filesOf(t, emailPackage()) {
		if n := linesWithoutTypes(t, f); n > limit {
			t.Errorf("%s has %d lines without its types, more than the %d it may have", f.Name, n, limit)
		}
	}
}

// linesWithoutTypes counts the lines of a file but for those of its types, each
// with its comment and the empty line behind it.
func linesWithoutTypes(t *testing.T, f emit.File) int {
	t.Helper()
	fset := token.NewFileSet()
	code, err := parser.ParseFile(fset, f.Name, f.Data, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Count(f.Data, []byte("\n"))
	for _, decl := range code.Decls {
		if types, ok := decl.(*ast.GenDecl); ok && types.Tok == token.TYPE {
			from := types.Pos()
			if types.Doc != nil {
				from = types.Doc.Pos()
			}
			lines -= fset.Position(types.End()).Line - fset.Position(from).Line + 2
		}
	}
	return lines
}

func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "full")
	files := filesOf(t, fullPackage())
	if os.Getenv("JOBGEN_UPDATE_GOLDEN") != "" {
		if _, err := emit.Write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	diff, err := emit.Diff(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	if diff != "" {
		t.Errorf("rewrite with JOBGEN_UPDATE_GOLDEN=1 go test ./internal/emit if this is meant:\n%s", diff)
	}
}

func TestContractBrokenIsAnErrorAndNoCode(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*gotypes.Package){
		"two jobs with one file":  func(p *gotypes.Package) { p.Jobs = append(p.Jobs, p.Jobs[0]) },
		"a name that is no Go":    func(p *gotypes.Package) { p.Jobs[0].Name = "E mail" },
		"a key that no tag holds": func(p *gotypes.Package) { p.Jobs[0].Fields[0].Key = "a`b" },
		"a key with an option":    func(p *gotypes.Package) { p.Jobs[0].Fields[0].Key = "a,string" },
		"a key that hides":        func(p *gotypes.Package) { p.Jobs[0].Fields[0].Key = "-" },
		"an unknown queue":        func(p *gotypes.Package) { p.Jobs[0].Queue = "other" },
		"an unknown kind":         func(p *gotypes.Package) { p.Jobs[0].Fields[0].Type.Kind = 99 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg := emailPackage()
			spoil(pkg)
			if files, err := emit.Files(pkg); err == nil {
				t.Errorf("no error but %d files", len(files))
			}
		})
	}
}
