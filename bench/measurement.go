package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A measurement is one thing that is done to several peers alike.
type measurement struct {
	name, title string
	columns     []column
	run         func(ctx context.Context, t *trial) (figures, error)
	// peers are those measured unless the command line names others; none
	// means all but variants. Where fixed, it does not choose.
	peers []string
	fixed bool
	// Where there are conditions, a peer has a row for each, and its figures
	// are named by figureUnder.
	conditions []condition
	// long measurements are made in the first -long rounds alone.
	long bool
	// programs are measured by building them: there is no queue to open.
	program bool
}

// A column is one figure of a measurement.
type column struct {
	figure, title string
	digits        int // after the point
}

// A condition is one of several under which a measurement is made.
type condition struct{ name, title string }

// figureUnder is the name of a figure under a condition.
func figureUnder(condition, figure string) string {
	if condition == "" {
		return figure
	}
	return condition + " " + figure
}

// rows are the conditions of the measurement, of which there is always one.
func (m *measurement) rows() []condition {
	if len(m.conditions) == 0 {
		return []condition{{}}
	}
	return m.conditions
}

var (
	rateColumn   = column{"rate", "jobs/s", 0}
	clientColumn = column{"client", "client CPU s per 100,000", 2}
	serverColumn = column{"server", "server CPU s per 100,000", 2}
	cpuColumn    = column{"cpu", "both", 2}
	walColumn    = column{"wal", "WAL bytes per job", 0}

	costColumns    = []column{rateColumn, clientColumn, serverColumn, cpuColumn, walColumn}
	latencyColumns = []column{{"p50", "p50 ms", 2}, {"p99", "p99 ms", 2}, {"rate", "jobs/s reached", 0}}
	heldColumns    = []column{
		{"firstrate", "jobs/s, first fifth", 0},
		{"lastrate", "last fifth", 0},
		{"firstserver", "server CPU s per 100,000, first fifth", 2},
		{"lastserver", "last fifth", 2},
		walColumn,
	}
)

func measurements() []measurement {
	onServer := []string{"jobgen", "raw", "river", "river-defaults", "gue", "graphile"}
	return []measurement{
		{name: "enqueue1", title: "Enqueue, one caller", columns: costColumns, run: enqueueWith(1)},
		{name: "enqueue16", title: "Enqueue, 16 callers, waking idle workers", columns: costColumns, run: enqueueWith(16)},
		{name: "batch", title: "Enqueue in batches, one caller", columns: costColumns, run: enqueueBatches},
		{name: "drain", title: "Drain of a backlog", columns: costColumns, run: drain},
		{name: "mixed", title: "Produce and work at once", columns: costColumns, run: mixed, peers: []string{"jobgen", "raw", "graphile"}, long: true},
		{name: "latency20", title: "Latency at 20 jobs/s", columns: latencyColumns, run: latencyAt(20), peers: onServer},
		{name: "latency300", title: "Latency at 300 jobs/s", columns: latencyColumns, run: latencyAt(300), peers: onServer},
		{name: "latency3000", title: "Latency at 3,000 jobs/s", columns: latencyColumns, run: latencyAt(3000), peers: []string{"jobgen", "raw", "river", "gue", "graphile"}},
		{name: "held", title: "Produce and work under a held snapshot", columns: heldColumns, run: held, peers: []string{"jobgen", "raw", "graphile"}, long: true},
		{name: "control", title: "The same without the snapshot", columns: heldColumns, run: control, peers: []string{"jobgen"}, long: true},
		{name: "flat", title: "The same drain under other conditions", columns: flatColumns, conditions: flatConditions(), run: flat, peers: []string{"jobgen"}, fixed: true, long: true},
		{name: "idle", title: "A worker with nothing to do", columns: idleColumns, conditions: idleConditions(), run: idle, peers: []string{"jobgen"}, fixed: true, long: true},
		{name: "herd", title: "Many idle workers and one job a second", columns: herdColumns, conditions: herdConditions(), run: herd, peers: []string{"jobgen"}, fixed: true, long: true},
		{name: "stats", title: "Counting many waiting jobs", columns: statsColumns, conditions: statsConditions(), run: stats, peers: []string{"jobgen"}, fixed: true, long: true},
		{name: "one", title: "One job at a time, claim to finish", columns: costColumns, run: workSingly, peers: []string{"jobgen", "raw", "sqlite"}},
		{name: "program", title: "A program with the queue and PostgreSQL only", columns: []column{
			{"graph", "modules in its graph", 0}, {"built", "modules built into it", 0}, {"megabytes", "stripped size, MB", 1},
		}, peers: []string{"jobgen", "river", "gue", "raw"}, fixed: true, long: true, program: true},
		{
			name: "choices-drain", title: "What a design choice costs: drain", columns: costColumns, run: drainChoices,
			peers: []string{"raw", "raw-finish-each", "raw-no-log", "raw-no-cursor", "raw-wide"}, fixed: true, long: true,
		},
		{
			name: "choices-enqueue", title: "What a design choice costs: enqueue, 16 callers", columns: costColumns, run: enqueueWith(16),
			peers: []string{"raw", "raw-notify-each"}, fixed: true, long: true,
		},
		{
			name: "choices-held", title: "What a design choice costs: produce and work under a held snapshot, an eighth as long", columns: heldColumns, run: heldBriefly,
			peers: []string{"raw", "raw-no-cursor"}, fixed: true, long: true,
		},
	}
}

// chooseMeasurements returns those named in a comma-separated list; all for "".
func chooseMeasurements(list string) ([]measurement, error) {
	all := measurements()
	if list == "" {
		return all, nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if i < 0 {
			var names []string
			for _, m := range all {
				names = append(names, m.name)
			}
			return nil, fmt.Errorf("-only: no measurement is called %q; there are %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// of returns the peers to measure: by default its own, of those named on the
// command line all that can be.
func (m *measurement) of(chosen []peer, named bool) []peer {
	var of []peer
	for _, p := range chosen {
		own := slices.Contains(m.peers, p.name) || len(m.peers) == 0 && !p.variant
		if m.fixed || !named {
			if own {
				of = append(of, p)
			}
			continue
		}
		// SQLite has no server whose snapshot could be held or whose WAL counted.
		if !p.embedded || own {
			of = append(of, p)
		}
	}
	return of
}
