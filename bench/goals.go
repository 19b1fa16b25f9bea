package main

import (
	"fmt"
	"io"
)

// A goal is what jobgen is to reach, as a ratio to a figure of the same run or
// as a figure of its own.
type goal struct {
	title               string
	measurement, figure string
	under               string // the condition, where the measurement has several
	of                  string // the peer; jobgen where empty
	atMost              bool   // rather than at least
	bound               float64
	// The goal is bound times this figure; where against is empty it is bound
	// itself. The measurement and figure are the goal's own where empty.
	against, againstMeasurement, againstFigure, againstUnder string
	digits                                                   int
}

var goals = []goal{
	{title: "enqueue, one caller: jobs/s", measurement: "enqueue1", figure: "rate", bound: 0.9, against: "raw"},
	{title: "enqueue, 16 callers: jobs/s", measurement: "enqueue16", figure: "rate", bound: 1.3, against: "gue"},
	{title: "enqueue in batches: jobs/s", measurement: "batch", figure: "rate", bound: 1.6, against: "graphile"},
	{title: "drain: jobs/s", measurement: "drain", figure: "rate", bound: 2, against: "graphile"},
	{title: "drain: jobs/s", measurement: "drain", figure: "rate", bound: 4, against: "river"},
	{title: "drain: CPU s per 100,000, client + server", measurement: "drain", figure: "cpu", atMost: true, bound: 2, digits: 2},
	{title: "produce and work: jobs/s", measurement: "mixed", figure: "rate", bound: 2.5, against: "graphile"},
	{title: "produce and work: WAL bytes per job", measurement: "mixed", figure: "wal", atMost: true, bound: 900},
	{title: "latency at 20 jobs/s, p50: ms", measurement: "latency20", figure: "p50", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "latency at 20 jobs/s, p99: ms", measurement: "latency20", figure: "p99", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "latency at 300 jobs/s, p50: ms", measurement: "latency300", figure: "p50", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "latency at 300 jobs/s, p99: ms", measurement: "latency300", figure: "p99", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "latency at 3,000 jobs/s, p50: ms", measurement: "latency3000", figure: "p50", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "latency at 3,000 jobs/s, p99: ms", measurement: "latency3000", figure: "p99", atMost: true, bound: 1.3, against: "raw", digits: 2},
	{title: "held snapshot, last fifth: server CPU s per 100,000, to the control's", measurement: "held", figure: "lastserver", atMost: true, bound: 1.5, against: "jobgen", againstMeasurement: "control", digits: 2},
	{title: "held snapshot, last fifth: jobs/s, to the control's", measurement: "held", figure: "lastrate", bound: 0.85, against: "jobgen", againstMeasurement: "control"},
	{title: "drain before few waiting jobs: server CPU s per 100,000, to nothing else", measurement: "flat", figure: "server", under: "few", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain before many waiting jobs: the same", measurement: "flat", figure: "server", under: "many", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain with a long history: the same", measurement: "flat", figure: "server", under: "history", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain beside jobs not due yet: the same", measurement: "flat", figure: "server", under: "future", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain of four priorities: the same", measurement: "flat", figure: "server", under: "priorities", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain of fifty queues: the same", measurement: "flat", figure: "server", under: "queues", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "drain under a held snapshot: the same", measurement: "flat", figure: "server", under: "held", atMost: true, bound: 1.15, against: "jobgen", againstUnder: flatPlain, digits: 2},
	{title: "idle worker, one queue: queries a minute, pings of the pool among them", measurement: "idle", figure: "queue", under: "queues1", atMost: true, bound: 20, digits: 1},
	{title: "idle worker, five queues: queries a minute a queue, pings among them", measurement: "idle", figure: "queue", under: "queues5", atMost: true, bound: 20, digits: 1},
	{title: "idle workers, one job a second: claims a second, to those without jobs", measurement: "herd", figure: "claims", under: "herd", atMost: true, bound: 2, against: "jobgen", againstFigure: "idleclaims", againstUnder: "herd", digits: 1},
	{title: "Stats of many waiting jobs: ms", measurement: "stats", figure: "ms", under: "exact", atMost: true, bound: 700},
	{title: "StatsByType, 10,000 of them: ms", measurement: "stats", figure: "ms", under: "capped", atMost: true, bound: 10, digits: 2},
	{title: "50 callers of Stats at once: counts that the server made", measurement: "stats", figure: "counts", under: "shared", atMost: true, bound: 2},
	{title: "one job at a time: jobs/s", measurement: "one", figure: "rate", bound: 3000},
	{title: "program with PostgreSQL only: modules in its graph", measurement: "program", figure: "graph", atMost: true, bound: 20},
	{title: "program with PostgreSQL only: stripped size, MB", measurement: "program", figure: "megabytes", atMost: true, bound: 9.6, digits: 1},
	{title: "SQLite, drain: jobs/s", measurement: "drain", figure: "rate", of: "sqlite", bound: 60_000},
}

// printGoals writes a line for each goal whose figures were taken.
func (r *report) printGoals(out io.Writer) {
	fmt.Fprint(out, "\n### Goals\n\n| figure | jobgen | reference | ratio | goal | met |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, g := range goals {
		of := g.of
		if of == "" {
			of = "jobgen"
		}
		got := r.Figures[of][g.measurement][figureUnder(g.under, g.figure)]
		if len(got) == 0 {
			continue
		}
		value, limit := median(got), g.bound
		reference, ratio, sign, want := "–", "–", "≥", number(g.bound, g.digits)
		if g.atMost {
			sign = "≤"
		}
		if g.against != "" {
			measurement, figure := g.againstMeasurement, g.againstFigure
			if measurement == "" {
				measurement = g.measurement
			}
			if figure == "" {
				figure = g.figure
			}
			base := r.Figures[g.against][measurement][figureUnder(g.againstUnder, figure)]
			if len(base) == 0 || median(base) == 0 {
				continue
			}
			limit = g.bound * median(base)
			reference = g.against + " " + cell(base, g.digits)
			ratio = number(value/median(base), 2)
			want = number(g.bound, 2) + " ×"
		}
		met := "**not met**"
		if g.atMost && value <= limit || !g.atMost && value >= limit {
			met = "met"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s %s | %s |\n", g.title, cell(got, g.digits), reference, ratio, sign, want, met)
	}
}
