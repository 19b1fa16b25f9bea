package memory_test

import (
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/leak"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/queuetest"
)

// store is a memory store with a clock that stands still until advanced.
type store struct {
	*memory.Store
	clock *memory.Clock
}

func newStore(t testing.TB) queuetest.Store {
	clock := memory.NewClock(time.Now())
	s, err := memory.New(nil, memory.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return store{s, clock}
}

func (s store) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	opened, err := s.Store.Open(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return opened.Store
}

func (s store) Advance(_ testing.TB, d time.Duration) { s.clock.Advance(d) }

func TestMain(m *testing.M) { leak.Main(m) }

func TestStore(t *testing.T) { queuetest.Run(t, newStore) }
func TestModel(t *testing.T) { queuetest.RunModel(t, newStore) }

func BenchmarkStore(b *testing.B) { queuetest.Bench(b, newStore) }
