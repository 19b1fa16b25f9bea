package diagnostic

import (
	"fmt"
	"unicode/utf8"
)

// A Suggester finds the word that was meant. It gives up after some millions of
// comparisons, so that no file keeps it busy; its zero value is ready.
type Suggester struct{ spent int }

const suggestBudget = 20_000_000 // steps of the inner loop: well below a second

// Suggest returns `; did you mean "near"?` for the one of words that is nearest
// to word, or "" where none is near.
func (s *Suggester) Suggest(word string, words []string) string {
	if near := s.Near(word, words); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// Near returns the one of words that is nearest to word, and is another, or ""
// where none is near.
func (s *Suggester) Near(word string, words []string) string {
	best, near := 1+utf8.RuneCountInString(word)/3, ""
	for _, w := range words {
		if d := s.distance(word, w, best); w != "" && d <= best && (near == "" || d < best) {
			best, near = d, w
		}
	}
	if near == word {
		return ""
	}
	return near
}

// distance returns how many insertions, deletions, replacements and swaps of
// neighbours make b of a, or more than limit when it is more than limit.
func (s *Suggester) distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit || s.spent > suggestBudget {
		return limit + 1
	}
	s.spent += len(x)*len(y) + 1
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
