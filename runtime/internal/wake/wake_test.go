package wake_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jobgen/jobgen/runtime/internal/wake"
)

func TestWakeBeforeWaitIsRemembered(t *testing.T) {
	t.Parallel()
	b := wake.NewOne()
	b.Wake()
	b.Wake()
	if err := b.Wait(t.Context()); err != nil {
		t.Fatalf("wait after a call: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("two calls without a waiter woke two: %v", err)
	}
}

func TestEndedContextTakesNoCall(t *testing.T) {
	t.Parallel()
	b := wake.NewOne()
	b.Wake()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait with an ended context: %v", err)
	}
	if err := b.Wait(t.Context()); err != nil {
		t.Fatalf("the call was lost: %v", err)
	}
}

func TestAllReachesEverySubscriberUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	var b wake.All
	ctx, cancel := context.WithCancel(t.Context())
	one, two := b.Subscribe(ctx), b.Subscribe(t.Context())
	b.Wake()
	<-one
	<-two
	cancel()
	if _, open := <-one; open {
		t.Fatal("a value after the subscription's context had ended")
	}
	b.Wake()
	<-two
}
