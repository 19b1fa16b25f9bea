package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/files"
)

// maxDiffLines is how many lines of a diff are shown.
const maxDiffLines = 60

// Diff returns a unified diff from what dir holds to what [Write] would make
// of it, cut after sixty lines with a count of the rest; "" where nothing
// would change. It writes nothing.
func Diff(dir string, generated []File) (string, error) {
	root, err := openDir(dir, false)
	if err != nil {
		return "", fmt.Errorf("compare generated code: %w", err)
	}
	var changes []files.Change
	if root == nil { // Write would create it
		for _, f := range generated {
			changes = append(changes, files.Change{Name: f.Name, Want: f.Data})
		}
	} else {
		defer root.Close()
		if changes, err = compare(root, generated); err != nil {
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
		lines = append(lines, slices.Collect(strings.Lines(files.Diff(c.Name, c.Have, c.Want)))...)
	}
	if len(lines) > maxDiffLines {
		lines = append(lines[:maxDiffLines], fmt.Sprintf("... %d more lines\n", len(lines)-maxDiffLines))
	}
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("... %d more files\n", hidden))
	}
	return strings.Join(lines, ""), nil
}
