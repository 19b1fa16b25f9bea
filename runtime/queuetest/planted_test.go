package queuetest

import (
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime/memory"
)

func TestMain(m *testing.M) {
	// What planted bugs break is to be noticed, not waited for or shrunk.
	limit, endLimit = 6*time.Second, 5*time.Second
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "0s"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// behaviour returns the test of "subject/sentence".
func behaviour(t *testing.T, name string) func(x *trial) {
	t.Helper()
	subject, sentence, _ := strings.Cut(name, "/")
	test := subjects[subject][sentence]
	if test == nil {
		t.Fatalf("there is no behaviour %q", name)
	}
	return test
}

// TestTheSuiteNoticesPlantedBugs breaks the reference in one way at a time.
// What notices it must be silent about the reference as it is.
func TestTheSuiteNoticesPlantedBugs(t *testing.T) {
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for _, sentence := range b.sentences {
				test := behaviour(t, sentence)
				run := func(h Harness) []string {
					return record(t, func(tb testing.TB) { test(newTrial(tb, h)) })
				}
				if found := run(settableMemory); len(found) > 0 {
					t.Errorf("%q fails on the reference: %v", sentence, found)
				}
				if found := run(b.settable); len(found) == 0 {
					t.Errorf("%q did not notice it", sentence)
				}
			}
			if b.byModel && !noticed(t, func(tb testing.TB) { checkModel(tb, b.settable) }) {
				t.Error("RunModel did not notice it")
			}
			if b.byConcurrency && !noticed(t, func(tb testing.TB) { checkConcurrency(tb, b.running, 400) }) {
				t.Error("RunConcurrency did not notice it")
			}
		})
	}
}

// randomTries is how many runs of a random test may miss a bug: one run has few
// sequences, of which a rare bug may be in none.
const randomTries = 6

// noticed reports whether a random test fails, as it must where there is a bug.
func noticed(t *testing.T, test func(testing.TB)) bool {
	for range randomTries {
		if len(record(t, test)) > 0 {
			return true
		}
	}
	return false
}

func TestTheModelAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	if found := record(t, func(tb testing.TB) { checkModel(tb, settableMemory) }); len(found) > 0 {
		t.Error(strings.Join(found, "\n"))
	}
}

func TestEverySubjectHasBehaviours(t *testing.T) {
	t.Parallel()
	for subject, sentences := range subjects {
		if len(sentences) == 0 {
			t.Errorf("%s has none", subject)
		}
	}
	noticed := make(map[string]bool)
	for _, b := range bugs {
		if len(b.sentences) == 0 || slices.Contains(b.sentences, "") {
			t.Errorf("no behaviour is said to notice that a store %s", b.name)
		}
		if noticed[b.name] {
			t.Errorf("%s is planted twice", b.name)
		}
		noticed[b.name] = true
	}
}

func (b bug) settable(t testing.TB) Store {
	clock := memory.NewClock(time.Now())
	return &broken{memoryStore{newMemory(t, memory.WithClock(clock.Now)), clock, new(sync.Map)}, newWreck(b), new(sync.Map)}
}

func (b bug) running(t testing.TB) Store {
	return &broken{memoryStore{newMemory(t), nil, new(sync.Map)}, newWreck(b), new(sync.Map)}
}
