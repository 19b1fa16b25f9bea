package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestOneRunMeasuresEveryPeer(t *testing.T) {
	t.Parallel()
	var table, progress bytes.Buffer
	args := []string{
		"-rounds", "1", "-enqueue", "50ms", "-batches", "2", "-batch", "50",
		"-drain", "200", "-latency", "5", "-gap", "1ms",
	}
	if err := run(t.Context(), args, &table, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for line := range strings.Lines(table.String()) {
		if strings.HasPrefix(line, "| drain: jobs/s |") {
			if cells := strings.Count(line, "|") - 2; cells != len(peers()) || strings.Contains(line, "–") {
				t.Errorf("not every one of %d peers has a figure: %s", len(peers()), line)
			}
			return
		}
	}
	t.Errorf("no drain in the table:\n%s", &table)
}

func TestWhatIsNotThereIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, want string }{
		{"-peers", "nobody", `no peer is called "nobody"`},
		{"-only", "nothing", `no measurement is called "nothing"`},
		{"-rounds", "0", "at least 1"},
	} {
		var out, progress bytes.Buffer
		err := run(t.Context(), []string{c.flag, c.value}, &out, &progress)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: error %v, want %q", c.flag, c.value, err, c.want)
		}
	}
}
