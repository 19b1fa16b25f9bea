package lock

import (
	"path/filepath"
	"strings"
)

// Path returns the lock that goes with the jobs.yaml at path: the file beside
// it with the ending .lock.
func Path(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".lock" }
