package bell_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jobgen/jobgen/internal/bell"
)

func TestRingBeforeWaitIsRemembered(t *testing.T) {
	t.Parallel()
	b := bell.New()
	b.Ring()
	b.Ring()
	if err := b.Wait(t.Context()); err != nil {
		t.Fatalf("wait after a ring: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("two rings without a waiter woke two: %v", err)
	}
}

func TestEndedContextTakesNoRing(t *testing.T) {
	t.Parallel()
	b := bell.New()
	b.Ring()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait with an ended context: %v", err)
	}
	if err := b.Wait(t.Context()); err != nil {
		t.Fatalf("the ring was lost: %v", err)
	}
}

func TestBroadcastReachesEverySubscriberUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	var b bell.Broadcast
	ctx, cancel := context.WithCancel(t.Context())
	one, two := b.Subscribe(ctx), b.Subscribe(t.Context())
	b.Ring()
	<-one
	<-two
	cancel()
	if _, open := <-one; open {
		t.Fatal("a value after the subscription's context had ended")
	}
	b.Ring()
	<-two
}
