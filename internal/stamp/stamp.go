// Package stamp remembers that generated code was current, so that the next run
// need not make the code again to find that nothing has changed. What it
// remembers is a sum of everything that the code was made of and of the code
// itself, in a folder of the user's and not in the repository, where each
// change of jobs.yaml would change it and two branches would always meet in it.
//
// A sum that fits is as good as a new run only for code that depends on nothing
// else: who imports Go types into a jobs.yaml has to look at them each time.
package stamp

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
)

// A Store is a folder of stamps, which need not be there yet. The zero Store
// holds nothing and keeps nothing. Several processes may use one at once.
type Store struct{ dir string }

// UserStore returns the store in the user's cache folder, or the zero Store for
// a user who has none.
func UserStore() Store {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Store{}
	}
	return Open(filepath.Join(dir, "jobgen", "stamps"))
}

// Open returns the store in dir.
func Open(dir string) Store { return Store{dir} }

// A stamp is what is kept for one source.
type stamp struct {
	Source string `json:"source"` // its absolute path
	Dir    string `json:"dir"`    // where its code is
	Sum    string `json:"sum"`
}

// Current reports whether the code of source, a jobs.yaml, is still as it was
// when Mark was called, and so is all that it was made of. When in doubt it is
// not.
func (s Store) Current(source string) bool {
	if s.dir == "" {
		return false
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return false
	}
	data, err := os.ReadFile(s.file(source))
	if err != nil {
		return false
	}
	var kept stamp
	if json.Unmarshal(data, &kept) != nil || kept.Source != source {
		return false
	}
	sum, err := sumOf(source, kept.Dir)
	return err == nil && sum == kept.Sum
}

// Mark remembers that the code in dir is what source makes now. An error says
// why it could not, and changes nothing else.
func (s Store) Mark(source, dir string) error {
	if s.dir == "" {
		return nil
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	sum, err := sumOf(source, dir)
	if err != nil {
		return fmt.Errorf("remember that %s is generated: %w", source, err)
	}
	data, err := json.Marshal(stamp{source, dir, sum})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.file(source))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (s Store) file(source string) string {
	sum := sha256.Sum256([]byte(source))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".json")
}

// sumOf returns the sum of this program, source, its lock, every
// go.mod at or above it or dir, and every file in dir: what people write there
// is looked at too.
func sumOf(source, dir string) (string, error) {
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
	home := filepath.Dir(source)
	if err := h.addIfThere(strings.TrimSuffix(source, filepath.Ext(source)) + ".lock"); err != nil {
		return "", err
	}
	for _, at := range []string{home, dir} {
		for {
			if err := h.addIfThere(filepath.Join(at, "go.mod")); err != nil {
				return "", err
			}
			if at == filepath.Dir(at) {
				break
			}
			at = filepath.Dir(at)
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

func (h summer) addIfThere(name string) error {
	err := h.addFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
