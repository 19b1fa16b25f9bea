// Package cache remembers that generated code was current, so that the next run
// need not generate it again to find that nothing has changed. It keeps a
// checksum of everything that the code was generated from and of the code
// itself, in a folder of the user and not in the repository, where each change
// of jobs.yaml would change it and every two branches would conflict in it.
//
// A checksum that matches replaces a run only for code that depends on nothing
// else: a jobs.yaml that imports Go types must not be cached.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jobgen/jobgen/internal/files"
)

// A Cache is a folder with an entry for each source. The folder need not exist
// yet. The zero Cache keeps nothing. Several processes may use one at once.
type Cache struct{ dir string }

// OfUser returns the cache in the user's cache folder, or the zero Cache for a
// user who has none.
func OfUser() Cache {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}
	}
	return Open(filepath.Join(dir, "jobgen", "generated"))
}

// Open returns the cache in dir.
func Open(dir string) Cache { return Cache{dir} }

// An entry is what is kept for one source.
type entry struct {
	Source string `json:"source"` // its absolute path
	Dir    string `json:"dir"`    // where its code is
	More   string `json:"more"`   // another file that is made from it, or ""
	Sum    string `json:"sum"`
}

// Current reports whether the code of source, a jobs.yaml, and everything that
// it was generated from are unchanged since Keep was called. When in doubt it
// returns false.
func (c Cache) Current(source string) bool {
	if c.dir == "" {
		return false
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return false
	}
	data, err := os.ReadFile(c.file(source))
	if err != nil {
		return false
	}
	var kept entry
	if json.Unmarshal(data, &kept) != nil || kept.Source != source {
		return false
	}
	sum, err := sumOf(source, kept.Dir, kept.More)
	return err == nil && sum == kept.Sum
}

// Keep remembers that the code in dir is what source generates now, and the file
// more, "" for none.
func (c Cache) Keep(source, dir, more string) error {
	if c.dir == "" {
		return nil
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	if more != "" {
		if more, err = filepath.Abs(more); err != nil {
			return err
		}
	}
	sum, err := sumOf(source, dir, more)
	if err != nil {
		return fmt.Errorf("remember that %s is generated: %w", source, err)
	}
	data, err := json.Marshal(entry{source, dir, more, sum})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	_, err = files.Write(c.file(source), data)
	return err
}

func (c Cache) file(source string) string {
	sum := sha256.Sum256([]byte(source))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".json")
}

// sumOf returns the checksum of this program, source, its lock, every go.mod at
// or above source or dir, every file in dir, also those written by hand, and the
// file more, "" for none.
func sumOf(source, dir, more string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	h := summer{sha256.New()}
	h.add(program, fmt.Appendf(nil, "%d %d", info.Size(), info.ModTime().UnixNano()))
	if err := h.addFile(source); err != nil {
		return "", err
	}
	if more != "" {
		if err := h.addIfExists(more); err != nil {
			return "", err
		}
	}
	home := filepath.Dir(source)
	if err := h.addIfExists(strings.TrimSuffix(source, filepath.Ext(source)) + ".lock"); err != nil {
		return "", err
	}
	for _, at := range []string{home, dir} {
		for above := range files.Above(at) {
			if err := h.addIfExists(filepath.Join(above, "go.mod")); err != nil {
				return "", err
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		if err := h.addFile(filepath.Join(dir, entry.Name())); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

type summer struct{ hash.Hash }

func (h summer) add(name string, data []byte) {
	fmt.Fprintf(h, "%d %s %d ", len(name), name, len(data))
	h.Write(data)
}

func (h summer) addFile(name string) error {
	data, err := os.ReadFile(name)
	if err == nil {
		h.add(name, data)
	}
	return err
}

func (h summer) addIfExists(name string) error {
	err := h.addFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
