package yaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

func Place(t *token.Token) diagnostic.Position {
	return diagnostic.Position{Line: t.Position.Line, Column: t.Position.Column}
}

// features are what of YAML the language does without.
var features = map[token.Type]string{
	token.AnchorType:     "an anchor",
	token.AliasType:      "an alias",
	token.MergeKeyType:   "a merge key",
	token.TagType:        "a tag",
	token.DirectiveType:  "a directive",
	token.MappingKeyType: "a key with a question mark",
}

// checkTokens finds what the language does without, and what would be too much
// for the parser. It reports whether the tokens are fit for that.
func checkTokens(tokens token.Tokens, mistakes *diagnostic.List) bool {
	begun, merged := false, 0
	anchors := 0
	for i, t := range tokens {
		if feature := features[t.Type]; feature != "" {
			switch {
			case t.Type == token.AliasType && merged == t.Position.Line:
				continue // the alias is what the merge key merges
			case t.Type == token.AnchorType:
				anchors++
			case t.Type == token.MergeKeyType:
				merged = t.Position.Line
			}
			hint := "write out what is meant"
			if t.Type == token.AliasType && anchors == 0 && i+1 < len(tokens) {
				hint = fmt.Sprintf("an optional field is written %s?", Clip(tokens[i+1].Value))
			}
			mistakes.Add(Place(t), diagnostic.Feature, "%s is not supported: %s", feature, hint)
			continue
		}
		switch t.Type {
		case token.DocumentHeaderType:
			if begun {
				mistakes.Add(Place(t), diagnostic.SecondDocument, "a second document begins here: a file has only one")
				return false
			}
			begun = true
		case token.CommentType, token.DocumentEndType:
		default:
			begun = true
		}
	}
	return checkSize(tokens, mistakes)
}

// checkSize measures how deep mappings and lists nest, and how many keys are in
// one mapping.
func checkSize(tokens token.Tokens, mistakes *diagnostic.List) bool {
	type block struct{ column, keys int }
	var blocks []block // by indentation, the outermost first
	var flow []int     // keys so far, of each bracket that is open
	enter := func(column int) *block {
		for len(blocks) > 0 && blocks[len(blocks)-1].column > column {
			blocks = blocks[:len(blocks)-1]
		}
		if len(blocks) == 0 || blocks[len(blocks)-1].column < column {
			blocks = append(blocks, block{column: column})
		}
		return &blocks[len(blocks)-1]
	}
	for i, t := range tokens {
		keys := 0
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow = append(flow, 0)
		case token.MappingEndType, token.SequenceEndType:
			flow = flow[:max(0, len(flow)-1)]
		case token.SequenceEntryType:
			enter(t.Position.Column)
		case token.MappingValueType:
			if len(flow) > 0 {
				flow[len(flow)-1]++
				keys = flow[len(flow)-1]
			} else if i > 0 {
				b := enter(tokens[i-1].Position.Column)
				b.keys++
				keys = b.keys
			}
		}
		if len(blocks)+len(flow) > MaxDepth {
			mistakes.Add(Place(t), diagnostic.TooLarge, "this nests deeper than %d levels", MaxDepth)
			return false
		}
		if keys > maxKeys {
			mistakes.Add(Place(t), diagnostic.TooLarge, "the mapping has more than %d keys", maxKeys)
			return false
		}
	}
	return true
}

// Comments finds the documentation of what stands below comments.
type Comments map[int]comment // by line

type comment struct {
	column int
	text   string
}

// readComments takes the comments that have a line to themselves.
func readComments(tokens token.Tokens) Comments {
	found := make(Comments)
	last := 0 // the last line that holds something else
	for _, t := range tokens {
		line := t.Position.Line
		if t.Type != token.CommentType {
			last = line
			continue
		}
		if line != last {
			found[line] = comment{column: t.Position.Column, text: strings.TrimRight(t.Value, " \t")}
		}
	}
	return found
}

// Column returns the column of the comment in a line, 0 where there is none.
func (c Comments) Column(line int) int { return c[line].column }

// Above returns the text of the comment that ends in the line above at and
// begins in at's column.
func (c Comments) Above(at diagnostic.Position) string {
	first := at.Line
	for c[first-1].column == at.Column {
		first--
	}
	var lines []string
	margin := -1 // of spaces that all lines have after the mark
	for line := first; line < at.Line; line++ {
		text := c[line].text
		lines = append(lines, text)
		if text == "" {
			continue
		}
		if indent := len(text) - len(strings.TrimLeft(text, " ")); margin < 0 || indent < margin {
			margin = indent
		}
	}
	for i, text := range lines {
		if text != "" {
			lines[i] = text[min(margin, 1):]
		}
	}
	return strings.Join(lines, "\n")
}
