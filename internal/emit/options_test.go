package emit_test

import (
	"testing"

	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/schema"
)

func TestEachOptionOfTheLanguageHasItsCode(t *testing.T) {
	t.Parallel()
	for _, o := range schema.Options() {
		pkg := emailPackage()
		pkg.Jobs[0].Options = []gotypes.Option{{Name: o.Name, Value: o.Default}}
		files, err := emit.Files(pkg)
		if err != nil {
			t.Errorf("option %s: %v", o.Name, err)
			continue
		}
		compile(t, pkg, files)
	}
	pkg := emailPackage()
	pkg.Jobs[0].Options = []gotypes.Option{{Name: "colour", Value: "red"}}
	if _, err := emit.Files(pkg); err == nil {
		t.Error("an option that nothing sets is left out without a word")
	}
}
