package emit

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// maxDiffLines is how many lines of a diff are shown.
const maxDiffLines = 60

// Diff returns a unified diff from what dir holds to what [Write] would make
// of it, cut after sixty lines with a count of the rest; "" where nothing
// would change. It writes nothing.
func Diff(dir string, files []File) (string, error) {
	root, err := openDir(dir, false)
	if err != nil {
		return "", fmt.Errorf("compare generated code: %w", err)
	}
	changes := plan{}
	if root == nil { // Write would create it
		for _, f := range files {
			changes = append(changes, change{name: f.Name, want: f.Data})
		}
	} else {
		defer root.Close()
		if changes, err = compare(root, files); err != nil {
			return "", fmt.Errorf("compare generated code in %s: %w", dir, err)
		}
	}
	var lines []string
	hidden := 0
	for _, c := range changes {
		if len(lines) >= maxDiffLines { // do not even compute what is not shown
			hidden++
			continue
		}
		lines = append(lines, c.diff()...)
	}
	if len(lines) > maxDiffLines {
		lines = append(lines[:maxDiffLines], fmt.Sprintf("... %d more lines\n", len(lines)-maxDiffLines))
	}
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("... %d more files\n", hidden))
	}
	return strings.Join(lines, ""), nil
}

// diff returns the lines of one file's diff, each with its newline.
func (c change) diff() []string {
	from, to := "a/"+c.name, "b/"+c.name
	if c.have == nil {
		from = os.DevNull
	}
	if c.want == nil {
		to = os.DevNull
	}
	_, text, _ := strings.Cut(string(diff.Diff(from, c.have, to, c.want)), "\n") // without the line "diff a b"
	return slices.Collect(strings.Lines(text))
}
