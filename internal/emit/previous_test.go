package emit_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

func TestAFileOfALaterVersionIsFound(t *testing.T) {
	t.Parallel()
	dir := module(t)
	if _, err := emit.Write(dir, filesOf(t, fullPackage())); err != nil {
		t.Fatal(err)
	}
	if file, err := emit.Versioned(dir, "jobs.yaml"); file != "email_job.gen.go" || err != nil {
		t.Errorf("the file with a version is %q, error %v", file, err)
	}
	if file, err := emit.Versioned(module(t), "jobs.yaml"); file != "" || err != nil {
		t.Errorf("in an empty directory it is %q, error %v", file, err)
	}
}

func TestAnUpgradeThatIsToBeWrittenIsBegun(t *testing.T) {
	t.Parallel()
	for from, want := range map[int16]string{
		1: "", 4: "", 9: "",
		2: "func (yours) UpgradeOrderV2(ctx context.Context, old jobs.OrderJobV2) (jobs.OrderJobV3, error) {\n}\n",
		3: "func (yours) UpgradeOrderV3(ctx context.Context, old jobs.OrderJobV3) (jobs.OrderJob, error) {\n}\n",
	} {
		if got := emit.Upgrade(fullPackage(), "order", from); got != want {
			t.Errorf("from version %d: %q, want %q", from, got, want)
		}
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
