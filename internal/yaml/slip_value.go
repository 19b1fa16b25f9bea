package yaml

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

var goList = regexp.MustCompile(`^\[\](\S+)`)

// value looks at the value of a key in the line: the key begins at index key,
// and the value behind the colon at index from.
func (s *slipFinder) value(line []rune, key, colon, from int) {
	text := strings.TrimSpace(string(line[from:]))
	name := string(line[key:colon])
	switch c := line[from]; {
	case strings.ContainsRune("@`", c):
		s.report(s.line, from, "a value cannot begin with %c: put it in quotes", c)
	case strings.HasPrefix(text, "{{"):
		s.report(s.line, from, "double braces belong to a template, which is not filled in: write the value, or put it in quotes")
	case goList.MatchString(text):
		s.report(s.line, from, "a list is written [%s]", Clip(goList.FindStringSubmatch(text)[1]))
	case strings.ContainsRune(`"'[{`, c):
		s.values(line, from)
	default:
		if end := keyEnd(line, from); end >= 0 {
			if strings.TrimSpace(string(line[end+1:])) == "" {
				s.report(s.line, end, "the line has two colons: remove one, or put the value of %s in quotes", name)
				return
			}
			s.report(s.line, end, "the line has two colons: put the value of %s in quotes, or begin a line for %s", name, Clip(string(line[from:end])))
		}
	}
}

// values goes on in a value that begins with a quote or a bracket, at index from
// of the current line, or that earlier lines have begun.
func (s *slipFinder) values(line []rune, from int) {
	for i := from; i < len(line) && s.found == nil; i++ {
		c := line[i]
		if s.quote.mark != 0 {
			i = s.inQuote(line, i)
			continue
		}
		switch {
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return
		case (c == '"' || c == '\'') && opens(line, i):
			s.quote = bracket{mark: c, at: place(s.line, i)}
		case c == '[' || c == '{':
			before := strings.TrimRight(string(line[:i]), " ")
			if len(s.flow) > 0 && before != "" && !strings.ContainsRune(",:[{", rune(before[len(before)-1])) {
				s.report(s.line, len([]rune(before)), "a colon or a comma is missing before %c", c)
				return
			}
			s.flow = append(s.flow, bracket{mark: c, at: place(s.line, i)})
		case len(s.flow) == 0:
			return
		case c == ']' || c == '}':
			s.closeBracket(line, i)
		case c == ',':
			s.flow[len(s.flow)-1].keyed = false
		case c == ':' && (i+1 == len(line) || line[i+1] == ' '):
			top := &s.flow[len(s.flow)-1]
			if top.keyed && top.mark == '{' {
				start := i
				for start > 0 && !strings.ContainsRune(" ,{[:", line[start-1]) {
					start--
				}
				s.report(s.line, start, "a comma is missing before %s", Clip(string(line[start:i])))
			}
			top.keyed = true
		}
	}
}

// opens reports whether a quote at index i begins a text, rather than being a
// part of one.
func opens(line []rune, i int) bool {
	return i == 0 || strings.ContainsRune(" ,:[{-", line[i-1])
}

// inQuote goes on in a text in quotes, and returns the index at which it ends.
func (s *slipFinder) inQuote(line []rune, i int) int {
	for ; i < len(line); i++ {
		switch {
		case s.quote.mark == '"' && line[i] == '\\':
			i++
		case line[i] != s.quote.mark:
		case s.quote.mark == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		default:
			opened := s.quote
			s.quote = bracket{}
			rest := strings.TrimLeft(string(line[i+1:]), " \t")
			end := ""
			if len(s.flow) > 0 {
				end = ",]}:"
			}
			ok := rest == "" || rest[0] == '#' || strings.ContainsRune(end, rune(rest[0])) || rest[0] == ':'
			switch {
			case ok:
			case opened.at.Line != s.line+1:
				s.report(opened.at.Line-1, opened.at.Column-1, "the quote %c is not closed in its line: add the other one", opened.mark)
			default:
				s.report(s.line, i+1, "text follows the closing quote: put all of it inside, or remove it")
			}
			return i
		}
	}
	return i
}

var questionMark = regexp.MustCompile(`^\?\s*([,\]}]|#|$)`)

// closeBracket closes the innermost bracket at index i of the line.
func (s *slipFinder) closeBracket(line []rune, i int) {
	open := s.flow[len(s.flow)-1]
	want := ']'
	if open.mark == '{' {
		want = '}'
	}
	if line[i] != want {
		s.report(s.line, i, "%c in line %d, column %d, is closed by %c: write %c", open.mark, open.at.Line, open.at.Column, line[i], want)
		return
	}
	s.flow = s.flow[:len(s.flow)-1]
	rest := string(line[i+1:])
	if questionMark.MatchString(rest) {
		s.report(s.line, i+1, `an optional list or map is written in quotes, as in "[string]?"`)
		return
	}
	rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
	switch {
	case rest == "" || rest[0] == '#':
	case len(s.flow) > 0 && strings.ContainsRune(",]}:", rune(rest[0])):
	case len(s.flow) > 0:
		s.report(s.line, len(line)-len([]rune(rest)), "a comma is missing after %c", want)
	case rest[0] == ']' || rest[0] == '}':
		s.report(s.line, len(line)-len([]rune(rest)), "%c closes nothing: remove it", rest[0])
	default:
		s.report(s.line, len(line)-len([]rune(rest)), "text follows %c, which ends the value: remove it, or put it inside", want)
	}
}

// unclosed reports the innermost bracket that is open.
func (s *slipFinder) unclosed() {
	open := s.flow[len(s.flow)-1]
	want := ']'
	if open.mark == '{' {
		want = '}'
	}
	s.report(open.at.Line-1, open.at.Column-1, "%c is not closed: add %c", open.mark, want)
}

// open reports what is still open at the end of the file.
func (s *slipFinder) open() {
	switch {
	case s.quote.mark != 0:
		s.report(s.quote.at.Line-1, s.quote.at.Column-1, "the quote %c is not closed: add the other one", s.quote.mark)
	case len(s.flow) > 0:
		s.unclosed()
	}
}

func place(line, column int) diagnostic.Position {
	return diagnostic.Position{Line: line + 1, Column: column + 1}
}
