package yaml_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/test/corpus"
	"github.com/jobgen/jobgen/internal/yaml"
)

// Where one character keeps a file from being read, the mistake is explained in our own
// words, in or near the line of that character.
func TestAlmostEverySlipOfOneCharacterIsExplained(t *testing.T) {
	t.Parallel()
	broken, unexplained, far := 0, 0, 0
	for _, f := range corpus.Files(t) {
		if f.Rule != nil || len(f.Src) > 3000 || !strings.HasSuffix(f.Name, ".yaml") {
			continue
		}
		for i := 0; i < len(f.Src); i += 3 {
			for _, now := range []string{f.Src[:i] + f.Src[i+1:], f.Src[:i] + " " + f.Src[i:], f.Src[:i] + `"` + f.Src[i:]} {
				r := &yaml.Reader{}
				if r.Parse([]byte(now)) != nil || len(r.Mistakes) == 0 || r.Mistakes[0].Rule.Name != "invalid-yaml" {
					continue
				}
				broken++
				line := 1 + strings.Count(f.Src[:i], "\n")
				if strings.Contains(r.Mistakes[0].Message, "cannot be read as YAML") {
					unexplained++
				} else if d := r.Mistakes[0].Line - line; d < -1 || d > 1 {
					far++
				}
			}
		}
	}
	t.Logf("%d files could not be read; %d were not explained, %d far from their place", broken, unexplained, far)
	if broken < 1000 || unexplained > broken/20 || far > broken/20 {
		t.Errorf("%d files could not be read; %d were not explained, %d far from their place", broken, unexplained, far)
	}
}
