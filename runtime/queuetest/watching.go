package queuetest

import (
	"context"
	"errors"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// lost holds which of a handler's claims are lost, and why.
func (x *trial) lost(q queue, handler string, claims []*runtime.Job, want map[*runtime.Job]error) {
	x.Helper()
	refs := make([]claimRef, len(claims))
	for i, job := range claims {
		refs[i] = ref(job)
	}
	lost, err := q.LostClaims(x.Context(), handler, refs)
	x.must(err)
	causes := make(map[claimRef]error)
	for _, l := range lost {
		if causes[l.claimRef] != nil {
			x.Errorf("job %d attempt %d is lost twice", l.JobID, l.AttemptNumber)
		}
		causes[l.claimRef] = l.Cause
	}
	for _, job := range claims {
		if cause := causes[ref(job)]; !errors.Is(cause, want[job]) || (cause == nil) != (want[job] == nil) {
			x.Errorf("%v is lost by %v; want %v", job, cause, want[job])
		}
	}
	if len(lost) != len(want) {
		x.Errorf("%d claims are lost; want %d", len(lost), len(want))
	}
}

// rings holds that a watcher hears of what do does. Where processes only
// poll, it need not.
func (x *trial) rings(watcher queue, do func()) {
	x.Helper()
	rung := watcher.WatchClaims(x.Context())
	do()
	if x.polls() && watcher != x.queue {
		return
	}
	select {
	case _, open := <-rung:
		if !open {
			x.Error("the channel was closed")
		}
	case <-time.After(limit):
		x.Errorf("the watcher has heard of nothing after %v", limit)
	}
}

var watching = behaviours{
	"claims that are held, expired or not, are not lost": driven(func(x *trial, q queue) {
		job, expired := x.addAndClaim("h"), x.addAndClaim("h", runtime.JobOptions.MaxWorkDuration(0))
		x.lost(q, "h", []*runtime.Job{job, expired}, nil)
		x.lost(q, "h", nil, nil)
	}),
	"a claim on a cancelled job is lost to ErrJobCancelled": driven(func(x *trial, q queue) {
		job, kept := x.addAndClaim("h"), x.addAndClaim("h")
		x.must(x.queue.Cancel(x.Context(), job.ID))
		x.lost(q, "h", []*runtime.Job{job, kept}, map[*runtime.Job]error{job: runtime.ErrJobCancelled})
	}),
	"a stolen claim is lost to ErrJobNotClaimed": driven(func(x *trial, q queue) {
		first, thief := x.stolen()
		x.lost(q, "first", []*runtime.Job{first}, map[*runtime.Job]error{first: runtime.ErrJobNotClaimed})
		x.lost(q, "thief", []*runtime.Job{thief}, nil)
		x.lost(q, "stranger", []*runtime.Job{thief}, map[*runtime.Job]error{thief: runtime.ErrJobNotClaimed})
	}),
	"a buried claim is lost to ErrJobNotClaimed": driven(func(x *trial, q queue) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.lost(q, "h", []*runtime.Job{job}, nil)
		x.nothingToSteal()
		x.lost(q, "h", []*runtime.Job{job}, map[*runtime.Job]error{job: runtime.ErrJobNotClaimed})
	}),
	"a claim whose job another attempt has completed is lost to ErrJobCancelled": driven(func(x *trial, q queue) {
		first, thief := x.stolen()
		x.must(complete(x, first, ""))
		x.lost(q, "thief", []*runtime.Job{thief}, map[*runtime.Job]error{thief: runtime.ErrJobCancelled})
	}),
	"a claim that its own handler has completed is not lost": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h")
		x.must(complete(x, job, ""))
		x.lost(q, "h", []*runtime.Job{job}, nil)
		first, _ := x.stolen()
		x.must(complete(x, first, ""))
		x.lost(q, "first", []*runtime.Job{first}, nil)
		cancelled := x.addAndClaim("h")
		x.must(x.queue.Cancel(x.Context(), cancelled.ID))
		x.must(complete(x, cancelled, ""))
		x.lost(q, "h", []*runtime.Job{cancelled}, nil)
	}),
	"a claim of an unknown job, or attempt, is lost to ErrJobNotClaimed": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h")
		lost, err := q.LostClaims(x.Context(), "h", []claimRef{{JobID: 1}, {JobID: job.ID, AttemptNumber: 1}})
		x.must(err)
		x.same(len(lost), 2)
		for _, l := range lost {
			x.is(l.Cause, runtime.ErrJobNotClaimed)
		}
	}),
	"who watches hears of a cancelled job": driven(func(x *trial, _ queue) {
		job := x.addAndClaim("h")
		x.rings(x.queue, func() { x.must(x.queue.Cancel(x.Context(), job.ID)) })
	}),
	"who watches in another process hears of a cancelled job": driven(func(x *trial, _ queue) {
		job := x.addAndClaim("h")
		_, another := x.process()
		x.rings(another, func() { x.must(x.queue.Cancel(x.Context(), job.ID)) })
	}),
	"who watches hears of a stolen claim": driven(func(x *trial, _ queue) {
		job := x.abandoned("h")
		x.rings(x.queue, func() { x.steals("thief", job.ID) })
	}),
	"who watches in another process hears of a job completed by a former holder": driven(func(x *trial, _ queue) {
		first, _ := x.stolen()
		_, another := x.process()
		x.rings(another, func() { x.must(complete(x, first, "")) })
	}),
	"every watcher hears": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h")
		one := q.WatchClaims(x.Context())
		x.rings(x.queue, func() { x.must(x.queue.Cancel(x.Context(), job.ID)) })
		receive(x, one, "a ring for the other watcher")
	}),
	"the watch ends with its context": driven(func(x *trial, q queue) {
		ctx, cancel := context.WithCancel(x.Context())
		rung := q.WatchClaims(ctx)
		cancel()
		x.eventually("the channel is closed", func() bool {
			select {
			case _, open := <-rung:
				return !open
			default:
				return false
			}
		})
	}),
}
