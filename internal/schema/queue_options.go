package schema

import "fmt"

// readQueueOptions reads what a queue sets for its jobs: every option but the
// queue itself.
func (b *builder) readQueueOptions(e entry) {
	what := fmt.Sprintf("queue %q", e.key.Value)
	job := &Job{}
	known := b.options(job, what)
	delete(known, "queue")
	b.keys(e.value, what, known)
	if b.perQueue == nil {
		b.perQueue = make(map[string]*Job)
	}
	b.perQueue[e.key.Value] = job
}

// inheritQueue gives job what its queue sets and the job itself does not.
func (b *builder) inheritQueue(job *Job) {
	queue := b.perQueue[job.Queue.Value]
	if queue == nil || !job.Queue.IsSet() {
		return
	}
	inherit(&job.MaxAttempts, queue.MaxAttempts)
	inherit(&job.MaxWorkDuration, queue.MaxWorkDuration)
	inherit(&job.Priority, queue.Priority)
}

func inherit[T any](option *Option[T], queue Option[T]) {
	if queue.IsSet() && (!option.IsSet() || option.Inherited) {
		*option = queue
		option.Inherited, option.OfQueue = true, true
	}
}
