package main

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"
)

func TestEveryMeasurementFindsEveryFigureOfEveryPeer(t *testing.T) {
	t.Parallel()
	s := settings{rounds: 1, long: 1, size: tinySize(), server: []string{"fsync=off"}} // no figure of this run is kept
	if testing.Short() {
		s.only = "enqueue1,enqueue16,batch,drain,mixed,one,flat,stats"
	}
	var table, progress bytes.Buffer
	if err := s.run(t.Context(), &table, &progress); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &progress, &table)
	}
	missing := strings.Contains(table.String(), "left out")
	todo, err := chooseMeasurements(s.only)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range todo {
		_, after, found := strings.Cut(table.String(), "\n### "+m.title+"\n")
		if !found {
			t.Errorf("no table for %s:\n%s", m.name, &table)
			continue
		}
		after, _, _ = strings.Cut(after, "\n### ")
		for _, p := range m.of(peers(), false) {
			for _, c := range m.rows() {
				begins := "\n| " + p.name + " |"
				if m.conditions != nil {
					begins += " " + c.title + " |"
				}
				_, row, found := strings.Cut(after, begins)
				row, _, _ = strings.Cut(row, "\n")
				switch {
				case !found && p.name == "graphile" && missing:
				case !found:
					t.Errorf("%s: no row for %s %s", m.name, p.name, c.title)
				case strings.Contains(row, "–") && !p.embedded: // which writes no WAL
					t.Errorf("%s of %s lacks figures: %s", m.name, p.name, row)
				}
			}
		}
	}
	if !strings.Contains(table.String(), "| drain: CPU s per 100,000") {
		t.Errorf("the goals are not there:\n%s", &table)
	}
}

func TestGoalsNameWhatIsMeasured(t *testing.T) {
	t.Parallel()
	all := measurements()
	has := func(name, figure, under string) bool {
		return slices.ContainsFunc(all, func(m measurement) bool {
			return m.name == name && slices.ContainsFunc(m.columns, func(c column) bool { return c.figure == figure }) &&
				slices.ContainsFunc(m.rows(), func(c condition) bool { return c.name == under })
		})
	}
	for _, g := range goals {
		if !has(g.measurement, g.figure, g.under) {
			t.Errorf("%s: no measurement %s has %s %s", g.title, g.measurement, g.under, g.figure)
		}
		if g.against != "" && !has(cmp.Or(g.againstMeasurement, g.measurement), cmp.Or(g.againstFigure, g.figure), g.againstUnder) {
			t.Errorf("%s: no measurement has what it is compared with", g.title)
		}
		if g.against != "" {
			if _, err := choosePeers(g.against); err != nil {
				t.Errorf("%s: %v", g.title, err)
			}
		}
	}
}

func TestGoalIsMetAtItsBoundAndMissedBehindIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		jobgen, graphile float64
		want             string
	}{{200, 100, "| met |"}, {199, 100, "| **not met** |"}} {
		r := newReport(peers(), false, measurements())
		for name, rate := range map[string]float64{"jobgen": c.jobgen, "graphile": c.graphile} {
			r.add(peer{name: name}, measurement{name: "drain"}, figures{"rate": rate})
		}
		var out bytes.Buffer
		r.printGoals(&out)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%v to %v: no %q in\n%s", c.jobgen, c.graphile, c.want, &out)
		}
	}
}

func TestLostAndDoubledJobsAreErrors(t *testing.T) {
	t.Parallel()
	for name, calls := range map[string][]int64{"lost": {1, 2}, "doubled": {1, 2, 3, 3}} {
		var counted tally
		counted.grow(3)
		for _, seq := range calls {
			counted.count(seq)
		}
		if counted.check(3) == nil {
			t.Errorf("a %s job went unnoticed", name)
		}
	}
}

func TestWhatIsNotThereIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, want string }{
		{"-peers", "nobody", `no peer is called "nobody"`},
		{"-only", "nothing", `no measurement is called "nothing"`},
		{"-rounds", "0", "at least 1"},
		{"-drain", "0", "at least 1"},
	} {
		var out, progress bytes.Buffer
		err := run(t.Context(), []string{c.flag, c.value}, &out, &progress)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: error %v, want %q", c.flag, c.value, err, c.want)
		}
	}
}
