package faulttest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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
	family := ""
	for _, r := range t.rows {
		if r.family != family {
			family = r.family
			fmt.Fprintf(&b, "\n## %s\n\n| fault | how it is injected | result |\n| --- | --- | --- |\n", family)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.fault, r.how, r)
	}
	fmt.Fprintf(&b, "\n## What is checked\n\nAfter each of them:\n\n")
	for _, r := range allRules {
		fmt.Fprintf(&b, "- %s;\n", r)
	}
	fmt.Fprintf(&b, "- throughput is back at %.0f %% of what it was within a minute after the fault, by itself;\n", 100*enough)
	fmt.Fprintf(&b, "- a worker tries in vain to make no more than %d connections a second while the fault lasts.\n", maxDials)
	return os.WriteFile(*reportFile, []byte(b.String()), 0o644)
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

Producers and workers are processes of their own, and reach the server through a proxy that can delay, hold, lose and cut
what passes. Three witnesses are joined after each run: what producers asked for and were told, what handlers began and
ended, and what a trigger in the database saw of each job's row. The checker is held to its word by bugs that are planted
into the SQL functions, each of which it has to find; a minute's cut of all this runs with every ` + "`go test ./...`" + `.
`
