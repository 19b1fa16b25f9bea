package queuetest

import (
	"context"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
)

// A recording is a test whose failures are wanted: it keeps them, and does not
// pass them on.
type recording struct {
	testing.TB // for names and folders
	ctx        context.Context

	mu       sync.Mutex
	failed   bool
	failures []string
	cleanups []func()
}

// record runs test to its end, clean-up included, and returns how it failed;
// nothing if it passed.
func record(t testing.TB, test func(tb testing.TB)) (failures []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recording{TB: t, ctx: ctx}
	r.run(func() { test(r) })
	cancel()
	for f := r.next(); f != nil; f = r.next() {
		r.run(f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed && len(r.failures) == 0 {
		return []string{"failed without a word"}
	}
	return r.failures
}

// run calls f on a goroutine of its own, which FailNow may end.
func (r *recording) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v", v)
			}
		}()
		f()
	}()
	<-done
}

// next takes the clean-up that is to run next.
func (r *recording) next() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.cleanups) - 1
	if last < 0 {
		return nil
	}
	f := r.cleanups[last]
	r.cleanups = r.cleanups[:last]
	return f
}

func (r *recording) Context() context.Context { return r.ctx }

func (r *recording) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recording) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recording) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recording) FailNow() { r.Fail(); goruntime.Goexit() }

func (r *recording) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.failures = append(r.failures, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (r *recording) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recording) Fatal(args ...any)                 { r.Error(args...); r.FailNow() }
func (r *recording) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
func (r *recording) Log(...any)                        {}
func (r *recording) Logf(string, ...any)               {}
