package emit

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/dave/jennifer/jen"
)

// comment adds text as line comments, one per line of it.
//
// The text is a stranger's. A line comment ends only with its line, and each
// begins with a space, which no directive of the go command does, so text
// cannot leave the comment or command anything. One old form allows the space,
// "+build"; it is put in quotes.
func comment(text string) *jen.Statement {
	s := &jen.Statement{}
	text = strings.Trim(text, "\r\n")
	if strings.TrimSpace(text) == "" {
		return s
	}
	for line := range strings.Lines(text) {
		s.Add(jen.Comment(commentLine(line))).Line()
	}
	return s
}

func commentLine(line string) string {
	line = strings.TrimRight(oneLine(line), " \t")
	if strings.HasPrefix(strings.TrimSpace(line), "+build") {
		line = strconv.Quote(line)
	}
	if line == "" {
		return "//"
	}
	return "// " + line
}

// oneLine returns text without what ends a line or what Go refuses in source.
func oneLine(text string) string {
	text = strings.TrimRight(text, "\r\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case unicode.IsControl(r), r == '\ufeff', r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// paragraphs joins what is not empty, with an empty line between.
func paragraphs(texts ...string) string {
	var some []string
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			some = append(some, t)
		}
	}
	return strings.Join(some, "\n\n")
}

// named returns doc as the doc comment of name, which it should begin with.
func named(name, doc string) string {
	if doc == "" || strings.HasPrefix(doc, name+" ") {
		return doc
	}
	return name + ": " + doc
}
