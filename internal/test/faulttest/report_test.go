package faulttest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// write prints the table of faults into the file that -report names.
func (t *table) write() error {
	if *reportFile == "" {
		return nil
	}
	if !*full {
		return errors.New("-report is for -faults: the cut is no report")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.rows, func(a, b result) int {
		return cmp.Or(cmp.Compare(slices.Index(families, a.family), slices.Index(families, b.family)), cmp.Compare(a.fault, b.fault))
	})
	var b strings.Builder
	fmt.Fprintf(&b, preface, time.Now().UTC().Format(time.DateOnly))
	for rest := t.rows; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r result) bool { return r.family != rest[0].family })
		if n < 0 {
			n = len(rest)
		}
		writeFamily(&b, rest[:n])
		rest = rest[n:]
	}
	fmt.Fprintf(&b, "\n## What is checked\n\nAfter each of them:\n\n")
	for _, r := range allRules {
		fmt.Fprintf(&b, "- %s;\n", r)
	}
	fmt.Fprintf(&b, "- throughput is back at %.0f %% of what it was within a minute after the fault, by itself;\n", 100*enough)
	fmt.Fprintf(&b, "- a worker tries in vain to make no more than %d connections a second while the fault lasts.\n", maxDials)
	return os.WriteFile(*reportFile, []byte(b.String()), 0o644)
}

// writeFamily prints the faults of one kind: a column for each number where jobs
// were counted, and how they are injected once where that is the same for all.
func writeFamily(b *strings.Builder, rows []result) {
	fmt.Fprintf(b, "\n## %s\n\n", rows[0].family)
	head := []string{"fault"}
	sameWay := len(rows) > 1 && !slices.ContainsFunc(rows, func(r result) bool { return r.how != rows[0].how })
	if sameWay {
		fmt.Fprintf(b, "How they are injected: %s.\n\n", rows[0].how)
	} else {
		head = append(head, "how it is injected")
	}
	counted := slices.ContainsFunc(rows, func(r result) bool { return r.jobs > 0 })
	if counted {
		head = append(head, "jobs", "attempts", "finished", "cancelled", "dead", "waiting", "adds failed", "connections in vain", "jobs a second", "back after", "violations")
	} else {
		head = append(head, "result")
	}
	rule := strings.Repeat("| --- ", len(head))
	if counted {
		rule = strings.Repeat("| --- ", len(head)-11) + strings.Repeat("| ---: ", 11)
	}
	fmt.Fprintf(b, "| %s |\n%s|\n", strings.Join(head, " | "), rule)
	for _, r := range rows {
		cells := []string{r.fault}
		if counted && r.more != "" {
			cells[0] += "; " + r.more
		}
		if !sameWay {
			cells = append(cells, r.how)
		}
		if counted {
			cells = append(cells, r.numbers()...)
		} else {
			cells = append(cells, r.more)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

// numbers are the cells of a fault whose jobs were counted.
func (r result) numbers() []string {
	adds, vain, rate, back := "", "", "", ""
	if r.asked > 0 {
		adds = fmt.Sprintf("%d of %d", r.refused, r.asked)
	}
	if r.measured {
		vain, rate = fmt.Sprintf("%.1f", r.dials), fmt.Sprintf("%.0f", r.before)
		back = fmt.Sprintf("%.1f s", r.recovered.Seconds())
	}
	cells := make([]string, 0, 11)
	for _, n := range []int{r.jobs, r.attempts, r.finished, r.cancelled, r.dead, r.waiting} {
		cells = append(cells, fmt.Sprint(n))
	}
	return append(cells, adds, vain, rate, back, fmt.Sprint(r.violations))
}

// families are the headings of the table, in order.
var families = []string{familyProcesses, familyServer, familyNetwork, familyHandlers, familyInput, familyOperations, familyInterleavings, familyBugs}

const (
	familyProcesses     = "Processes"
	familyServer        = "The server"
	familyNetwork       = "The network"
	familyHandlers      = "Handlers"
	familyInput         = "Input"
	familyOperations    = "Operations"
	familyInterleavings = "Two at the same job"
	familyBugs          = "Planted bugs"
)

var allRules = []rule{
	ruleLost, ruleTwice, ruleGhost, ruleGap, ruleLimit, ruleOverlap, ruleOwn, ruleAfter, ruleEarly, ruleRun, ruleRow,
	ruleSuccess, ruleFailure, ruleCancel, ruleEffect, ruleCall, rulePrompt,
}

const preface = `# Reliability

What happens to jobs on PostgreSQL when things break, as a test found it on %s. Nothing on this page is typed by
hand:

    go test ./internal/test/faulttest -faults -timeout 2h -report ../../../docs/internals/reliability.md

Producers and workers are processes of their own. They reach the server through a proxy that can delay, hold, lose and cut
what passes. Three witnesses are joined after each run: what producers asked for and were told, what handlers began and
ended, and what a trigger in the database saw of each job's row. Bugs that are planted into the SQL functions test the checker
itself: it has to find each of them. A minute's cut of all this runs with every ` + "`go test ./...`" + `.

| column | meaning |
| --- | --- |
| jobs, attempts | how many were added and made while the test ran |
| finished, cancelled, dead, waiting | what had become of the jobs at the end |
| adds failed | how many calls to add a job failed during the fault, of how many |
| connections in vain | how many connections a second each worker tried to make in vain during the fault |
| jobs a second | the throughput before the fault |
| back after | how long after the fault it took to reach 80 %% of that again |
| violations | how often [a rule](#what-is-checked) was broken |
`

func TestTheReportHasAColumnForEachNumber(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeFamily(&b, []result{{
		family: familyServer, fault: "the server is away", how: "`pg_ctl stop`", jobs: 9, attempts: 8, finished: 7, cancelled: 6, dead: 5, waiting: 4,
		asked: 3, refused: 2, measured: true, dials: 1.25, before: 266, recovered: 1500 * time.Millisecond,
	}})
	const want = "| the server is away | `pg_ctl stop` | 9 | 8 | 7 | 6 | 5 | 4 | 2 of 3 | 1.2 | 266 | 1.5 s | 0 |\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("the report is\n%s\nand does not end in\n%s", b.String(), want)
	}
	b.Reset()
	writeFamily(&b, []result{{family: familyBugs, fault: "a", how: "so", more: "found"}, {family: familyBugs, fault: "b", how: "so", more: "found"}})
	if want := "\n## Planted bugs\n\nHow they are injected: so.\n\n| fault | result |\n| --- | --- |\n| a | found |\n| b | found |\n"; b.String() != want {
		t.Errorf("the report is\n%s\nwant\n%s", b.String(), want)
	}
}
