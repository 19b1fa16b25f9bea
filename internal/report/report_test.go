package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGitHubCommandsCannotBeBrokenOutOf(t *testing.T) {
	t.Parallel()
	hostile := Problem{Path: "a,b:c\n::error::x", Line: 1, Column: 2, Message: "100%\r\n::set-output name=x::y", Rule: "unknown-key"}
	want := "::error file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax,line=1,col=2,title=unknown-key::100%25%0D%0A::set-output name=x::y\n"
	if d := cmp.Diff(want, hostile.github()); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}

func TestTextIsWhatCompilersPrint(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Problem{
		"jobs.yaml:3:5: no [unknown-key]\n": {Path: "jobs.yaml", Line: 3, Column: 5, Message: "no", Rule: "unknown-key"},
		"jobs.yaml: stale\n-a\n":            {Path: "jobs.yaml", Message: "stale", Diff: "-a\n"},
	} {
		if have := p.text(); have != want {
			t.Errorf("%q, want %q", have, want)
		}
	}
}
