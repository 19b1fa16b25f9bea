package yaml

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A slip is what somebody has most likely done wrong in a file that the parser
// of YAML cannot read.
type slip struct {
	at      diagnostic.Position
	message string
}

// conflict finds the marks that version control leaves in a file in which two
// branches meet.
func conflict(text string) *slip {
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "<<<<<<<"):
			return &slip{diagnostic.Position{Line: i + 1, Column: 1}, "a merge conflict begins here: keep what is right of the two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"}
		case strings.HasPrefix(line, ">>>>>>>"):
			return &slip{diagnostic.Position{Line: i + 1, Column: 1}, "a merge conflict ends here: remove the lines that begin with <<<<<<<, ======= and >>>>>>>"}
		}
	}
	return nil
}

// findSlip looks through text, which the parser cannot read, for the first slip
// that people make. It returns nil where it finds none.
func findSlip(text string) *slip {
	s := &slipFinder{lines: strings.Split(text, "\n")}
	for s.line = 0; s.line < len(s.lines) && s.found == nil; s.line++ {
		s.next()
	}
	if s.found == nil {
		s.open()
	}
	return s.found
}

// A slipFinder goes through a file line by line.
type slipFinder struct {
	lines []string
	line  int // the index of the current one
	found *slip

	levels []level // the mappings and lists that are open, the outermost first
	last   int     // the index of the last line with a key, or -1
	block  int     // the indentation above which lines belong to a block of text, or -1

	flow  []bracket // that are open
	quote bracket   // that is open; its mark is 0 for none
}

// A level is a mapping or list that is open.
type level struct {
	indent int
	line   int  // the index of its last line
	full   bool // that line has a value already
	key    bool // that line has a key
}

// A bracket is a place at which something was opened.
type bracket struct {
	mark rune
	at   diagnostic.Position
	// keyed says that the entry that is being read has a colon already.
	keyed bool
}

func (s *slipFinder) report(line, column int, format string, args ...any) {
	if s.found == nil {
		s.found = &slip{diagnostic.Position{Line: line + 1, Column: column + 1}, fmt.Sprintf(format, args...)}
	}
}

// next looks at the current line.
func (s *slipFinder) next() {
	line := []rune(s.lines[s.line])
	if s.line == 0 {
		s.block, s.last = -1, -1
	}
	indent := 0
	for indent < len(line) && line[indent] == ' ' {
		indent++
	}
	if indent == len(line) || line[indent] == '#' && s.quote.mark == 0 {
		return
	}
	if s.block >= 0 {
		if indent > s.block {
			return
		}
		s.block = -1
	}
	if s.quote.mark != 0 {
		s.values(line, 0)
		return
	}
	if len(s.flow) > 0 {
		// A line that begins with a key where the block around the bracket goes
		// on shows that the bracket was never closed.
		if open := s.flow[0]; indent < open.at.Column && indent <= s.indentOf(open.at.Line-1) && keyLine.MatchString(string(line)) {
			s.unclosed()
			return
		}
		s.values(line, 0)
		return
	}
	switch c := line[indent]; {
	case c == '\t':
		s.report(s.line, indent, "a tab cannot indent a line: use spaces")
		return
	case c != ' ' && unicode.IsSpace(c):
		s.report(s.line, indent, "the line is indented with the character %U, which looks like a space: use spaces", c)
		return
	case strings.HasPrefix(string(line[indent:]), "//"), strings.HasPrefix(string(line[indent:]), "/*"):
		s.report(s.line, indent, "a comment begins with #, not with %s", string(line[indent:indent+2]))
		return
	}
	if text := string(line); text == "---" || text == "..." || strings.HasPrefix(text, "%") {
		return
	}
	s.content(line, indent)
}

// content looks at a line of a block from its first character that is no space.
func (s *slipFinder) content(line []rune, indent int) {
	dashed := false
	for indent < len(line) && line[indent] == '-' && (indent+1 == len(line) || line[indent+1] == ' ') {
		s.enter(line, indent, true)
		dashed = true
		for indent++; indent < len(line) && line[indent] == ' '; indent++ {
		}
		if indent == len(line) {
			return
		}
	}
	colon := keyEnd(line, indent)
	if colon < 0 {
		if !dashed && !strings.ContainsRune(`[{"'`, line[indent]) {
			s.keyless(line, indent)
		}
		if s.found == nil {
			s.values(line, indent)
		}
		return
	}
	s.enter(line, indent, dashed)
	if s.found != nil {
		return
	}
	value := colon + 1
	for value < len(line) && (line[value] == ' ' || line[value] == '\t') {
		value++
	}
	top := &s.levels[len(s.levels)-1]
	top.key, top.full = true, value < len(line) && line[value] != '#'
	s.last = s.line
	if !top.full {
		return
	}
	if line[value] == '|' || line[value] == '>' {
		s.block = indent
		return
	}
	s.value(line, indent, colon, value)
}

// enter sees that what begins in a column of the current line continues a level
// that is open, or may begin one.
func (s *slipFinder) enter(line []rune, indent int, dash bool) {
	left := level{indent: -1}
	for len(s.levels) > 0 && s.levels[len(s.levels)-1].indent > indent {
		left = s.levels[len(s.levels)-1]
		s.levels = s.levels[:len(s.levels)-1]
	}
	if len(s.levels) == 0 {
		s.levels = append(s.levels, level{indent: indent, line: s.line})
		if left.indent >= 0 {
			s.report(s.line, indent, "wrong indentation: the line begins in column %d, and %s in column %d: begin both in one column", indent+1, s.quoted(left.line), left.indent+1)
		}
		return
	}
	top := &s.levels[len(s.levels)-1]
	switch {
	case top.indent == indent:
		top.line, top.full, top.key = s.line, false, false
	case left.indent >= 0:
		s.report(s.line, indent, "wrong indentation: the line begins in column %d, but %s begins in column %d and %s in column %d: begin it in one of these",
			indent+1, s.quoted(left.line), left.indent+1, s.quoted(top.line), top.indent+1)
	case top.full && top.line != s.line:
		s.report(s.line, indent, "wrong indentation: the line begins in column %d, deeper than %s in column %d, which has a value already: begin it in column %d",
			indent+1, s.quoted(top.line), top.indent+1, top.indent+1)
	default:
		s.levels = append(s.levels, level{indent: indent, line: s.line, full: dash, key: false})
	}
}

// quoted returns a line as a message names it.
func (s *slipFinder) quoted(line int) string {
	return fmt.Sprintf("%q in line %d", Clip(strings.TrimSpace(s.lines[line])), line+1)
}

func (s *slipFinder) indentOf(line int) int {
	return len(s.lines[line]) - len(strings.TrimLeft(s.lines[line], " "))
}

var (
	keyLine     = regexp.MustCompile(`^ *("[^"]*"|'[^']*'|[A-Za-z][A-Za-z0-9_.-]*):( |$)`)
	tightColon  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*):([^\s/].*)$`)
	otherMark   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*) *(=>|:=|=|;)\s*(.+)$`)
	twoWords    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*) +([^\s"'][^\s"']*|[\[{"'].*)$`)
	oneWord     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	tightHyphen = regexp.MustCompile(`^-[A-Za-z"'{\[]`)
)

// keyless looks at a line of a block that has no key.
func (s *slipFinder) keyless(line []rune, indent int) {
	if s.continues(indent) {
		return
	}
	text := strings.TrimSpace(string(line[indent:]))
	if before, _, comment := strings.Cut(text, " #"); comment {
		text = strings.TrimSpace(before)
	}
	if space := strings.IndexFunc(text, func(r rune) bool { return r != ' ' && unicode.IsSpace(r) }); space >= 0 {
		r := []rune(text[space:])[0]
		s.report(s.line, indent+len([]rune(text[:space])), "the character %U looks like a space and is not one: write a space", r)
		return
	}
	if m := tightColon.FindStringSubmatch(text); m != nil {
		s.report(s.line, indent+len([]rune(m[1])), "a space is missing after the colon: write %s: %s", m[1], Clip(m[2]))
	} else if m := otherMark.FindStringSubmatch(text); m != nil {
		s.report(s.line, indent, "a key is followed by a colon, not by %s: write %s: %s", m[2], m[1], Clip(m[3]))
	} else if tightHyphen.MatchString(text) {
		s.report(s.line, indent, "a space is missing after the dash: write - %s", Clip(text[1:]))
	} else if oneWord.MatchString(text) {
		s.report(s.line, indent+len(text), "a colon is missing: write %s:", Clip(text))
	} else if m := twoWords.FindStringSubmatch(text); m != nil {
		s.report(s.line, indent+len([]rune(m[1])), "a colon is missing: write %s: %s", m[1], Clip(m[2]))
	} else if !strings.ContainsAny(text, `[]{}"`) {
		s.report(s.line, indent, "the line has no key: write name: value, or # before a comment")
	}
}

// continues reports whether a line without key may be the value of the key
// above it, or go on with it: it is deeper, and nothing goes on where it begins.
func (s *slipFinder) continues(indent int) bool {
	if len(s.levels) == 0 || indent <= s.levels[len(s.levels)-1].indent {
		return false
	}
	for _, line := range s.lines[s.line+1:] {
		trimmed := strings.TrimLeft(line, " ")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		return len(line)-len(trimmed) < indent
	}
	return true
}

// keyEnd returns the index of the colon behind the key that begins at index
// from of the line, or -1 where there is none.
func keyEnd(line []rune, from int) int {
	i := from
	if q := line[i]; q == '"' || q == '\'' {
		for i++; i < len(line) && line[i] != q; i++ {
			if q == '"' && line[i] == '\\' {
				i++
			}
		}
		for i++; i < len(line) && line[i] == ' '; i++ {
		}
		if i < len(line) && line[i] == ':' && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t') {
			return i
		}
		return -1
	}
	if line[i] == '[' || line[i] == '{' {
		return -1
	}
	for ; i < len(line); i++ {
		switch {
		case line[i] == ':' && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'):
			return i
		case line[i] == '#' && i > from && line[i-1] == ' ':
			return -1
		}
	}
	return -1
}
