package emit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

func TestMissingUpgradesAreThoseThatNobodyHasWritten(t *testing.T) {
	t.Parallel()
	dir := module(t)
	pkg := fullPackage()
	look := func() (string, []string) {
		t.Helper()
		missing, unused, err := emit.MissingUpgrades(dir, pkg)
		if err != nil {
			t.Fatal(err)
		}
		return missing, unused
	}
	add := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := emit.Write(dir, filesOf(t, pkg)); err != nil {
		t.Fatal(err)
	}
	if file, err := emit.Versioned(dir, "jobs.yaml"); file != "email_job.gen.go" || err != nil {
		t.Errorf("the file with a version is %q, error %v", file, err)
	}
	if file, err := emit.Versioned(module(t), "jobs.yaml"); file != "" || err != nil {
		t.Errorf("in an empty directory it is %q, error %v", file, err)
	}
	const v2 = "func (upgrades) UpgradeOrderV2(old OrderJobV2) (OrderJobV3, error) {\n}\n"
	const v3 = "func (upgrades) UpgradeOrderV3(old OrderJobV3) (OrderJob, error) {\n}\n"
	if missing, _ := look(); missing != "package jobs\n\ntype upgrades struct{}\n\n"+v2+"\n"+v3 {
		t.Errorf("missing: %q", missing)
	}
	add("upgrades.go", "package jobs\n\ntype upgrades struct{}\n")
	if missing, _ := look(); missing != v2+"\n"+v3 {
		t.Errorf("missing: %q", missing)
	}
	add("order.go", "package jobs\n\nfunc (u *upgrades) UpgradeOrderV3() {}\n\nfunc (upgrades) UpgradeOrderV1() {}\n\nfunc (upgrades) other() {}\n")
	add("order_test.go", "package jobs\n\nfunc (upgrades) UpgradeOrderV2() {}\n")
	add("broken.go", "package jobs\n\nfunc (upgrades) {\n")
	missing, unused := look()
	if missing != v2 || !slices.Equal(unused, []string{"UpgradeOrderV1"}) {
		t.Errorf("missing %q, unused %q", missing, unused)
	}
	if missing, unused, err := emit.MissingUpgrades(filepath.Join(dir, "nowhere"), emailPackage()); missing != "" || unused != nil || err != nil {
		t.Errorf("of a package without upgrades: %q, %q, %v", missing, unused, err)
	}
}

// Packages that have gone through versions, whatever their names and types.
func TestPreviousVersionsCompile(t *testing.T) {
	t.Parallel()
	dir := module(t)
	names := rapid.SampledFrom([]string{"email", "email_v1", "type", "upgrades", "id", "size", "a.b", "string"})
	refs := rapid.SampledFrom([]string{"string", "int32", "int64?", "time", "json", "[size]", "{string: line}", "line?", "size", "{type: int, default: 3}", "{type: size, default: s}", "{type: duration, default: 1m}"})
	accepted := 0
	rapid.Check(t, func(r *rapid.T) {
		var last *schema.Lock
		for step := range 3 {
			fields := func(label string) string {
				var all []string
				for _, name := range rapid.SliceOfNDistinct(names, 0, 3, rapid.ID).Draw(r, fmt.Sprint(label, step)) {
					all = append(all, fmt.Sprintf("%q: %s", name, refs.Draw(r, "type")))
				}
				return "{" + strings.Join(all, ", ") + "}"
			}
			values := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"m", "l", "+"}), 0, 2, rapid.ID).Draw(r, "values")
			src := acceptedHead + "types:\n  line: {fields: " + fields("line") + "}\n  size: {enum: [" + strings.Join(append(values, "s"), ", ") + "]}\njobs:\n"
			for _, name := range []string{"email", "order"} {
				src += fmt.Sprintf("  %s: {queue: q, payload: %s}\n", name, fields(name))
			}
			file, mistakes := schema.Parse("jobs.yaml", []byte(src))
			if len(mistakes) > 0 {
				r.Skipf("%v", mistakes)
			}
			result := lock.Advance(last, file)
			for _, refused := range result.Refused {
				for _, job := range file.Jobs {
					if job.Type.Value == refused.Job {
						job.Version.Value = last.Job(refused.Job).Newest().Version + 1
					}
				}
			}
			result = lock.Advance(last, file)
			if len(result.Refused) > 0 {
				r.Fatalf("%+v", result.Refused)
			}
			last = result.Lock
			file.Lock = last
			pkg, _, mistakes, err := gotypes.Load(t.Context(), file, dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(mistakes) > 0 {
				r.Skipf("%v", mistakes)
			}
			compile(t, pkg, filesOf(t, pkg))
			if t.Failed() {
				r.Fatalf("%s\n%s", src, lock.Format(last))
			}
		}
		accepted++
	})
	if accepted == 0 {
		t.Error("no file was accepted")
	}
}
