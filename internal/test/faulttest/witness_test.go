package faulttest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A line is one thing that a producer or a handler has seen.
type line struct {
	At      int64  `json:"at"` // nanoseconds since 1970, on this machine's clock
	What    what   `json:"what"`
	Key     string `json:"key,omitempty"`
	Job     int64  `json:"job,omitempty"`
	Attempt int32  `json:"attempt,omitempty"`
	Handler string `json:"handler,omitempty"`
	Mode    mode   `json:"mode,omitempty"`
	Due     int64  `json:"due,omitempty"`
	Max     int32  `json:"max,omitempty"`
	Err     string `json:"err,omitempty"`
}

func (l line) time() time.Time { return time.Unix(0, l.At) }

type what string

const (
	// Of producers: what they ask for, and how it went.
	asksAdd    what = "asks add"
	added      what = "added"
	addFailed  what = "add failed"  // it may be there all the same
	addRefused what = "add refused" // it must not be there
	rolledBack what = "rolled back"
	asksCancel what = "asks cancel"
	cancelled  what = "cancelled"
	notFound   what = "not found"
	cancelFail what = "cancel failed"

	// Of handlers.
	begins   what = "begins"
	succeeds what = "succeeds" // is about to say so
	fails    what = "fails"

	// Of processes.
	opened what = "opened" // its store
)

// A notebook is a file that one process appends its lines to, before it goes on
// to what comes next.
type notebook struct{ file *os.File }

func openNotebook(dir, name string) (*notebook, error) {
	file, err := os.OpenFile(filepath.Join(dir, name+".lines"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &notebook{file}, err
}

// write does not return an error: a witness that cannot write must not go on.
func (n *notebook) write(l line) {
	l.At = time.Now().UnixNano()
	data, err := json.Marshal(l)
	if err == nil {
		_, err = n.file.Write(append(data, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write a witness's line:", err)
		os.Exit(4)
	}
}

// readLines reads all lines of processes whose names begin so.
func readLines(dir, prefix string) ([]line, error) {
	files, err := filepath.Glob(filepath.Join(dir, prefix+"*.lines"))
	if err != nil {
		return nil, err
	}
	var all []line
	for _, name := range files {
		lines, err := readFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

func readFile(name string) ([]line, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []line
	for r := bufio.NewReader(file); ; {
		text, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return lines, nil // and text is still being written, or its writer was killed
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return nil, fmt.Errorf("read %s: %q: %w", name, text, err)
		}
		lines = append(lines, l)
	}
}
