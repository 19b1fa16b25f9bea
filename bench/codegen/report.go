package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// print writes the table: a row for each step, the median of its rounds with
// the least and the greatest in brackets.
func print(w io.Writer, jobs, rounds int, figures []figure) error {
	if _, err := fmt.Fprintf(w, "%d job types or messages of five fields, medians of %d rounds (least–greatest)\n\n| | by | time, ms | CPU, ms |\n| --- | --- | --- | --- |\n", jobs, rounds); err != nil {
		return err
	}
	for _, f := range figures {
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.name, f.who,
			spread(f.costs, func(c cost) time.Duration { return c.wall }), spread(f.costs, func(c cost) time.Duration { return c.cpu })); err != nil {
			return err
		}
	}
	return nil
}

func spread(costs []cost, of func(cost) time.Duration) string {
	sorted := slices.SortedFunc(slices.Values(costs), func(a, b cost) int { return cmp.Compare(of(a), of(b)) })
	ms := func(c cost) int64 { return of(c).Round(time.Millisecond).Milliseconds() }
	return fmt.Sprintf("%d (%d–%d)", ms(sorted[len(sorted)/2]), ms(sorted[0]), ms(sorted[len(sorted)-1]))
}
