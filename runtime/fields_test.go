package runtime_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

func TestTheCatalogueDescribesPayloadsByTheirFields(t *testing.T) {
	t.Parallel()
	known, err := jobs.Catalogue.Known()
	if err != nil || len(known) != 1 || known[0].Fields != "account_id any\nemail_id string\n" || known[0].Queue != "emails" {
		t.Errorf("%+v", known)
	}
	type written struct {
		N    int               `json:"n"`
		Text []string          `json:"text,omitempty"`
		Map  map[string]string `json:"-"`
	}
	known, err = runtime.NewCatalogue(runtime.Define[written]("written", "queue")).Known()
	if err != nil || len(known) != 1 || known[0].Fields != "n number?\ntext array?\n" {
		t.Errorf("%+v", known)
	}
}

func TestPayloadsThatCannotBeReadByEachOtherConflict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ours, theirs, reason string }{
		{"", "a string\n", ""},
		{"a string\n", "a string\n", ""},
		{"a string\n", "a string\nb number?\n", ""},
		{"a any\n", "a string\n", ""},
		{"a string\n", "a number\n", "JSON type string here and number there"},
		{"a string\nb number\n", "a string\n", ""},
		{"a string\n", "a string\nb number\n", ""},
		{"a string\nb number\n", "a string\nc number\n", `"b" is required here and unknown there, where field "c"`},
	} {
		if got := driver.Fields(c.ours).Conflict(driver.Fields(c.theirs)); (got == "") != (c.reason == "") || !strings.Contains(got, c.reason) {
			t.Errorf("%q with %q: %q", c.ours, c.theirs, got)
		}
	}
}
