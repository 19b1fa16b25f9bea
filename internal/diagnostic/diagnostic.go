package diagnostic

import (
	"cmp"
	"fmt"
	"slices"
)

// A Position is a place in a file: line and column from 1, the column counted
// in characters. The zero Position is the file as a whole.
type Position struct{ Line, Column int }

// Compare orders positions as they stand in the file.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Line, other.Line), cmp.Compare(p.Column, other.Column))
}

// String returns "line:column".
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// A Diagnostic is one mistake.
type Diagnostic struct {
	Position
	Rule    *Rule
	Message string // what is wrong and what to do, without place and rule
}

// A List collects mistakes. Its zero value is empty and ready.
type List []Diagnostic

// Add adds a mistake against rule.
func (l *List) Add(at Position, rule *Rule, format string, args ...any) {
	*l = append(*l, Diagnostic{at, rule, fmt.Sprintf(format, args...)})
}

// Sort brings the list into the order of the file, and drops what is in it
// twice.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(a.Compare(b.Position), cmp.Compare(a.Rule.Name, b.Rule.Name), cmp.Compare(a.Message, b.Message))
	})
	*l = slices.Compact(*l)
}
