package runtime

import (
	"context"
	"time"
)

// minWatch bounds how often the claims of jobs with a very short
// MaxWorkDuration are checked.
const minWatch = 100 * time.Millisecond

// watch cancels the contexts of handlers whose claims are lost: as soon as the
// queue says that some may be, and at least every third of the shortest
// MaxWorkDuration. While nothing runs it asks nothing.
func (p *pool) watch(ctx context.Context, watcher ClaimWatcher, revoked <-chan struct{}) {
	timer := time.NewTimer(p.watchInterval())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.shorter:
			timer.Reset(p.watchInterval())
			continue
		case <-revoked:
		case <-timer.C:
		}
		p.dropLost(ctx, watcher)
		timer.Reset(p.watchInterval())
	}
}

func (p *pool) watchInterval() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	shortest := p.shortest
	if shortest == 0 {
		shortest = DefaultMaxWorkDuration
	}
	return max(shortest/3, minWatch)
}

// dropLost asks which claims are lost, cancels those that run, and forgets
// those that have not begun.
func (p *pool) dropLost(ctx context.Context, watcher ClaimWatcher) {
	held, refs := p.held()
	for handlerID, refs := range refs {
		p.dropLostOf(ctx, watcher, handlerID, held, refs)
	}
}

func (p *pool) dropLostOf(ctx context.Context, watcher ClaimWatcher, handlerID string, held map[ClaimRef]*attempt, refs []ClaimRef) {
	asked, cancel := context.WithTimeout(ctx, persistAfterStop)
	defer cancel()
	lost, err := watcher.LostClaims(asked, handlerID, refs)
	if err != nil {
		if ctx.Err() == nil {
			p.logger.Debug("lost claims could not be asked for", "error", err)
		}
		return
	}
	gone := make(map[ClaimRef]bool, len(lost))
	for _, l := range lost {
		gone[l.ClaimRef] = true
		if a := held[l.ClaimRef]; a != nil {
			p.settings.logger.Info("claim lost; cancelling its handler", append(a.attrs(), "cause", l.Cause)...)
			a.end(l.Cause)
		}
	}
	if len(gone) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.ready[:0]
	for _, job := range p.ready {
		if !gone[ClaimRef{job.ID, job.AttemptNumber}] {
			kept = append(kept, job)
		}
	}
	clear(p.ready[len(kept):])
	p.ready = kept
}

// held returns the claims of running jobs by their names, and the names of
// all claims by the handler ids that they were made under, those of ready jobs
// included.
func (p *pool) held() (map[ClaimRef]*attempt, map[string][]ClaimRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held, refs := make(map[ClaimRef]*attempt, len(p.running)), make(map[string][]ClaimRef)
	add := func(job *Job) ClaimRef {
		ref := ClaimRef{job.ID, job.AttemptNumber}
		refs[job.HandlerID] = append(refs[job.HandlerID], ref)
		return ref
	}
	for a := range p.running {
		held[add(a.job)] = a
	}
	for _, job := range p.ready {
		add(job)
	}
	return held, refs
}
