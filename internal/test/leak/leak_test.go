package leak_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func abandoned(end chan struct{}) { <-end }

func TestALeftGoroutineIsFound(t *testing.T) {
	end := make(chan struct{})
	go abandoned(end)
	err := leak.Find(200 * time.Millisecond)
	close(end)
	if err == nil || !strings.Contains(err.Error(), "abandoned") || !strings.Contains(err.Error(), "behind: 1\n") {
		t.Errorf("a goroutine that waits was not found alone: %v", err)
	}
}

func TestOneThatEndsSoonIsNone(t *testing.T) {
	end := make(chan struct{})
	go abandoned(end)
	time.AfterFunc(50*time.Millisecond, func() { close(end) })
	if err := leak.Find(leak.Patience); err != nil {
		t.Error(err)
	}
}
