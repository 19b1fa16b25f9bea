package report

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// A Progress shows on a terminal how far something is. One goroutine uses it.
type Progress struct {
	out       io.Writer // nil where it is not a terminal
	what      string
	done, all int64
}

// progressEvery is after how many parts the terminal is written to.
const progressEvery = 1000

// NewProgress returns a Progress of a step, what, that has all parts. It shows
// nothing where out is not a terminal.
func NewProgress(out io.Writer, what string, all int64) *Progress {
	p := &Progress{what: what, all: all}
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = out
		}
	}
	return p
}

// Add counts one part as done.
func (p *Progress) Add() {
	p.done++
	if p.out == nil || p.done%progressEvery != 0 {
		return
	}
	const width = 30
	full := int(width * p.done / max(p.all, p.done))
	fmt.Fprintf(p.out, "\r%s [%s%s] %d of %d", p.what, strings.Repeat("#", full), strings.Repeat(" ", width-full), p.done, max(p.all, p.done))
}

// Clear removes it from the terminal.
func (p *Progress) Clear() {
	if p.out != nil && p.done >= progressEvery {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
