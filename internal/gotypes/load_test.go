package gotypes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

// file is a jobs.yaml for a package with the fields of one payload.
func file(pkg, fields string) string {
	return "version: 1\npackage: " + pkg + "\nqueues: {q: {}}\njobs:\n  a: {queue: q, payload: {" + fields + "}}\n"
}

// mistake asks that src has one mistake, against the rule and with text in it,
// or none when rule is "".
func mistake(t *testing.T, dir, src, rule, text string) {
	t.Helper()
	_, mistakes := check(t, dir, src)
	switch {
	case rule == "" && len(mistakes) > 0:
		t.Errorf("%s: %q", src, lines(mistakes))
	case rule != "" && (len(mistakes) != 1 || mistakes[0].Rule.Name != rule || !strings.Contains(mistakes[0].Message, text)):
		t.Errorf("%s: %q; want one of %s with %q", src, lines(mistakes), rule, text)
	}
}

func TestThePackageLiesInTheModule(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"nested/go.mod": "module example.com/shop/nested\n",
		"file":          "",
		"conf/x.go":     "package conf\n",
	})
	outside := t.TempDir()
	for name, target := range map[string]string{"out": outside, "dangling": filepath.Join(outside, "none"), "in": filepath.Join(dir, "conf")} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skipf("this system has no symbolic links: %v", err)
		}
	}
	for pkg, want := range map[string][2]string{
		"example.com/shop":               {},
		"example.com/shop/gen/jobs":      {},
		"example.com/shop/gen/jobs/v2":   {},
		"example.com/shop/in":            {},
		"example.com/shop/my-jobs.x":     {},
		"example.com/shopping/jobs":      {"outside-module", "outside the module example.com/shop "},
		"example.com/shop/nested/jobs":   {"outside-module", "begins in between"},
		"example.com/shop/out/jobs":      {"outside-module", "symbolic link"},
		"example.com/shop/dangling":      {"outside-module", "symbolic link"},
		"example.com/shop/file":          {"outside-module", "not a directory"},
		"example.com/shop/../../etc":     {"invalid-package", ""},
		"/etc":                           {"invalid-package", ""},
		"C:/jobs":                        {"invalid-package", ""},
		`example.com\shop`:               {"invalid-package", ""},
		"example.com/shop//jobs":         {"invalid-package", ""},
		"example.com/shop/jobs/":         {"invalid-package", ""},
		"-exec=rm":                       {"invalid-package", ""},
		"example.com/shop/...":           {"invalid-package", ""},
		"example.com/shop/main":          {"invalid-package-name", "main"},
		"example.com/shop/func":          {"invalid-package-name", "func"},
		"example.com/shop/jobs_test":     {"invalid-package-name", "jobs_test"},
		"example.com/shop/documentation": {"invalid-package-name", ""},
		"example.com/shop/2fa":           {"invalid-package-name", "2fa"},
		"example.com/shop/_x/jobs":       {"invalid-package-name", "_x"},
		"example.com/shop/vendor/jobs":   {"invalid-package-name", "vendor"},
		"example.com/shop/testdata/jobs": {"invalid-package-name", "testdata"},
	} {
		mistake(t, dir, file("'"+pkg+"'", ""), want[0], want[1])
	}
}

func TestAFileOutsideAnyModuleSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mistake(t, dir, file("example.com/shop/jobs", ""), "outside-module", "go mod init")
}

func TestThePackageIsCalledAfterItsPath(t *testing.T) {
	t.Parallel()
	dir := write(t, nil)
	for pkg, want := range map[string]string{"gen/jobs": "jobs", "gen/jobs/v2": "jobs", "my-jobs.x": "myjobsx", "gen/Jobs": "Jobs"} {
		src := file("example.com/shop/"+pkg, "")
		f, _ := schema.Parse("conf/jobs.yaml", []byte(src))
		have, out, mistakes, err := gotypes.Load(t.Context(), f, dir)
		if err != nil || len(mistakes) > 0 {
			t.Fatal(err, mistakes)
		}
		if have.Name != want || have.Source != "jobs.yaml" || out != filepath.Join(dir, filepath.FromSlash(pkg)) {
			t.Errorf("%s makes package %s of %s in %s", pkg, have.Name, have.Source, out)
		}
	}
}

const money = `package money

import (
	"encoding/json"
	"errors"
	"time"
)

type (
	Amount   struct{ Units int64; Currency string; Parts []Amount; At time.Time; By map[string]*Amount }
	Cents    int64
	Alias    = Amount
	Generic[T any] struct{ V T }
	Instance = Generic[int]
	Any      interface{ M() }
	Func     func()
	Chan     chan int
	Complex  complex64
	Hidden   struct{ units int }
	Deep     struct{ Inner struct{ List []Hidden } }
	Tagged   struct{ A int ` + "`json:\"-\"`" + ` }
	Twice    struct{ A int ` + "`json:\"a\"`" + `; B int ` + "`json:\"a\"`" + ` }
	Iface    struct{ V any }
	Err      struct{ V error }
	Keys     map[[2]int]string
	IntKeys  map[int64]string
	Embeds   struct{ Amount }
	EmbedsHidden struct{ *hidden }
	hidden   struct{ A int }
	Half     struct{ v int }
	Self     struct{ v int }
	Wrong    struct{ v int }
	Recursive struct{ Next *Recursive }
)

func (Half) MarshalJSON() ([]byte, error) { return nil, nil }
func (*Self) MarshalJSON() ([]byte, error) { return nil, nil }
func (*Self) UnmarshalJSON([]byte) error { return errors.New("") }
func (Wrong) MarshalJSON() string { return "" }
func (*Wrong) UnmarshalJSON(json.RawMessage) {}

var V Amount
`

func TestGoTypesAreCheckedToSurviveJSON(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"money/money.go":           money,
		"cmd/x/main.go":            "package main\n\ntype T int\n\nfunc main() {}\n",
		"internal/in/in.go":        "package in\n\ntype T int\n",
		"other/internal/in/in.go":  "package in\n\ntype T int\n",
		"broken/broken.go":         "package broken\n\ntype T nothing\n",
		"uses/uses.go":             "package uses\n\nimport \"example.com/shop/deep\"\n\ntype T struct{ D deep.D }\n",
		"deep/deep.go":             "package deep\n\nimport \"example.com/shop/gen/jobs\"\n\ntype D struct{ J jobs.J }\n",
		"gen/jobs/hand_written.go": "package jobs\n\ntype J int\n",
	})
	// One file has them all, a line each, since each file costs a run of the go command.
	cases := map[string][2]string{
		"money.Amount":        {},
		"money.Amount?":       {},
		"money.Cents":         {},
		"money.Alias":         {},
		"money.IntKeys":       {},
		"money.Embeds":        {},
		"money.Self":          {},
		"money.Recursive":     {},
		"internal/in.T":       {},
		"money.Generic":       {"go-type-not-usable", "generic"},
		"money.Instance":      {},
		"money.Any":           {"go-type-not-json", "interface money.Any"},
		"money.Func":          {"go-type-not-json", "functions"},
		"money.Chan":          {"go-type-not-json", "channels"},
		"money.Complex":       {"go-type-not-json", "complex64"},
		"money.Hidden":        {"go-type-not-json", "field units of money.Hidden is not exported"},
		"money.Deep":          {"go-type-not-json", "field units of money.Hidden"},
		"money.Tagged":        {"go-type-not-json", "left out by its tag"},
		"money.Twice":         {"go-type-not-json", `same key "a"`},
		"money.Iface":         {"go-type-not-json", "interface"},
		"money.Err":           {"go-type-not-json", "interface error"},
		"money.Keys":          {"go-type-not-json", "cannot be the key"},
		"money.EmbedsHidden":  {"go-type-not-json", "pointer that JSON cannot set"},
		"money.Half":          {"go-type-not-json", "no UnmarshalJSON"},
		"money.Wrong":         {"go-type-not-json", "v of money.Wrong is not exported"},
		"money.hidden":        {"go-type-not-found", ""},
		"money.V":             {"go-type-not-found", ""},
		"money.Amuont":        {"go-type-not-found", `did you mean "Amount"?`},
		"nowhere.T":           {"go-package-not-found", "nowhere"},
		"broken.T":            {"go-package-not-found", "undefined: nothing"},
		"cmd/x.T":             {"go-type-not-usable", "main package"},
		"other/internal/in.T": {"go-type-not-usable", "internal"},
		"uses.T":              {"go-type-not-usable", "imports the one that is generated"},
		"gen/jobs.J":          {"go-type-not-usable", "declare it under types"},
	}
	src, line := file("example.com/shop/gen/jobs", ""), 5
	src = strings.TrimSuffix(src, "{}}\n") + "{\n"
	want := make(map[int][2]string)
	add := func(ref string, found [2]string) {
		line++
		want[line] = found
		src += fmt.Sprintf("    x%d: %s,\n", line, ref)
	}
	for ref, found := range cases {
		add("example.com/shop/"+ref, found)
	}
	add("{string: example.com/shop/money.Self}", [2]string{"go-type-not-json", "pointer receiver"})
	add("{string: example.com/shop/money.Self?}", [2]string{})
	add("[math/big.Int]", [2]string{})
	add("github.com/nobody/nothing/....T", [2]string{"go-type-not-usable", "not a valid import path"})
	add("-exec=evil.T", [2]string{"go-type-not-usable", "not a valid import path"})
	add("all.T", [2]string{"go-type-not-usable", "not a package"})
	add("C.int", [2]string{"go-type-not-usable", "not a package"})
	add("unsafe.Pointer", [2]string{"go-type-not-json", "JSON has no"})
	_, mistakes := check(t, dir, src+"  }}\n")
	for _, m := range mistakes {
		if found := want[m.Line]; m.Rule.Name != found[0] || !strings.Contains(m.Message, found[1]) {
			t.Errorf("line %d: %s [%s]; want one of %q with %q", m.Line, m.Message, m.Rule.Name, found[0], found[1])
		}
		delete(want, m.Line)
	}
	for line, found := range want {
		if found[0] != "" {
			t.Errorf("line %d has no mistake, want one of %s: %s", line, found[0], strings.Split(src, "\n")[line-1])
		}
	}
}

func TestAJobBesideOneForManyHasABatchOfAnotherName(t *testing.T) {
	t.Parallel()
	pkg, mistakes := check(t, write(t, nil), "version: 1\npackage: example.com/shop/gen/jobs\n"+"queues: {q: {}}\njobs:\n  a: {queue: q, payload: {x: int}}\n  a_batch: {queue: q, payload: {x: [int]}}\n  b: {queue: q}\n")
	if len(mistakes) > 0 {
		t.Fatal(lines(mistakes))
	}
	have := []string{pkg.Jobs[0].Batch(), pkg.Jobs[1].Batch(), pkg.Jobs[2].Batch()}
	if want := []string{"EnqueueAJobs", "EnqueueABatchBatch", ""}; !slices.Equal(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
}

func TestNamesThatMeetAreReportedAtTheLater(t *testing.T) {
	t.Parallel()
	dir := write(t, nil)
	for src, want := range map[string]string{
		"jobs:\n  email_batch: {queue: q}\n  email: {queue: q, payload: {a: int}}\n  email_jobs: {queue: q}\n": "job \"email_jobs\" and job \"email\" in line 6, column 3, would both be EnqueueEmailJobs",
		"jobs:\n  account_id: {queue: q, payload: {}}\n  accountId: {queue: q, payload: {}}\n":                 "AccountIDJob",
		"jobs:\n  USD: {queue: q, payload: {}}\n  usd: {queue: q, payload: {}}\n":                              "usd_job.gen.go",
		"jobs:\n  all: {queue: q, payload: {}}\n":                                                              "what each package has would both be HandleAll",
		"types: {handlers: {fields: {}}}\njobs:\n  a: {queue: q, payload: {}}\n":                               "Handlers",
		"types: {a_job: {fields: {}}}\njobs:\n  a: {queue: q, payload: {}}\n":                                  "AJob",
		"types: {s: {enum: [x, X]}}\njobs:\n  a: {queue: q, payload: {}}\n":                                    `the value "X" of type "s"`,
		"types: {s: {enum: [x]}, s_x: {fields: {}}}\njobs:\n  a: {queue: q, payload: {}}\n":                    "SX",
		"jobs:\n  a: {queue: q, payload: {json_fields: int}}\n":                                                "what each struct has would both be JSONFields",
		"types: {t: {fields: {jsonFields: int}}}\njobs:\n  a: {queue: q, payload: {}}\n":                       "JSONFields",
		"jobs:\n  a: {queue: q, payload: {user_id: int, userID: int}}\n":                                       `field "userID" and field "user_id"`,
	} {
		mistake(t, dir, "version: 1\npackage: example.com/shop/jobs\nqueues: {q: {}}\n"+src, "same-go-name", want)
	}
}

func TestNamesOfQueuesThatMeetAreReported(t *testing.T) {
	t.Parallel()
	dir := write(t, nil)
	for src, want := range map[string]string{
		"queues: {a-b: {}, a b: {}}\njobs:\n  j: {queue: a-b}\n":                 `queue "a b" and queue "a-b" in line 3, column 10, would both be ABQueue`,
		"queues: {email: {}, bulk: {}}\njobs:\n  email: {queue: bulk}\n":         `job "email" and queue "email" in line 3, column 10, would both be EmailQueue`,
		"queues: {emails: {}}\njobs:\n  emails_queue: {queue: emails}\n":         `job "emails_queue" and queue "emails" in line 3, column 10, would both be HandleEmailsQueue`,
		"queues: {q: {}}\ntypes: {q_queue: {fields: {}}}\njobs: {j: {queue: q}}": `type "q_queue" and queue "q" in line 3, column 10, would both be QQueue`,
	} {
		mistake(t, dir, "version: 1\npackage: example.com/shop/jobs\n"+src, "same-go-name", want)
	}
	mistake(t, dir, "version: 1\npackage: example.com/shop/jobs\nqueues: {email: {}}\njobs: {email: {queue: email}}\n", "", "")
}

func TestAGoTypeThatAPreviousVersionHasLostIsReportedAtTheJob(t *testing.T) {
	t.Parallel()
	const src = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\njobs:\n  a: {queue: q, version: 2, payload: {x: string}}\n"
	const locked = "format: 1\njobs:\n  a: {queue: q, versions: {v1: {payload: {x: example.com/shop/gone.Place}}, v2: {declared: true, payload: {x: string}}}}\n"
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if file.Lock, mistakes = lock.Parse("jobs.lock", []byte(locked)); len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	pkg, _, mistakes, err := gotypes.Load(t.Context(), file, write(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(mistakes); len(got) != 1 || !strings.HasPrefix(got[0], "jobs.yaml:5:3: the module example.com/shop has no package example.com/shop/gone") {
		t.Errorf("%q", got)
	}
	if previous := pkg.Jobs[0].Previous; pkg.Jobs[0].Version != 2 || len(previous) != 1 || previous[0].Name != "AJobV1" || previous[0].Upgrade != "UpgradeAV1" || previous[0].File != "a_job_v1.gen.go" {
		t.Errorf("%+v", pkg.Jobs[0])
	}
}

func TestPreviousVersionsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	const src = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\ntypes: {a_job_v1: {fields: {}}, a_upgrades: {fields: {}}}\njobs:\n  a: {queue: q, version: 2, payload: {x: string}}\n"
	const locked = "format: 1\njobs:\n  a: {queue: q, versions: {v1: {payload: {x: int}}, v2: {declared: true, payload: {x: string}}}}\n"
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if file.Lock, mistakes = lock.Parse("jobs.lock", []byte(locked)); len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	_, _, mistakes, err := gotypes.Load(t.Context(), file, write(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`jobs.yaml:6:3: job "a" and type "a_upgrades" in line 4, column 33, would both be AUpgrades: rename one [same-go-name]`,
		`jobs.yaml:6:3: version 1 of job "a" and type "a_job_v1" in line 4, column 9, would both be AJobV1: rename one [same-go-name]`,
	}
	if d := cmp.Diff(want, lines(mistakes)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAJobThatSaysNothingHasALimitOfAttempts(t *testing.T) {
	t.Parallel()
	dir := write(t, nil)
	for option, want := range map[string][]gotypes.Option{
		"priority: 0":             {{Name: "max_attempts", Value: int64(25)}, {Name: "priority", Value: int64(0)}},
		"max_attempts: 3":         {{Name: "max_attempts", Value: int64(3)}},
		"max_attempts: unlimited": {{Name: "max_attempts", Value: schema.Unlimited}},
	} {
		pkg, mistakes := check(t, dir, "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\njobs: {a: {queue: q, "+option+"}}\n")
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		if d := cmp.Diff(want, pkg.Jobs[0].Options); d != "" {
			t.Errorf("%s (-want +have):\n%s", option, d)
		}
	}
}
