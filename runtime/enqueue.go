package runtime

import (
	"context"
	"fmt"
	"reflect"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// Enqueue adds one job of a defined type to the type's queue. The
// definition's options come first, so those given here override them. The
// generated Enqueue functions, which take no other payload than the type's,
// call it with a pointer to theirs.
func Enqueue(ctx context.Context, service JobService, def *Definition, payload any, opts ...JobOption) (snowflake.ID, error) {
	opts = def.with(opts)
	id, err := inQueue(ctx, service, def, func(queue JobQueue) (snowflake.ID, error) { return queue.Add(ctx, def.Type, payload, opts...) })
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", def.Type, err)
	}
	return id, nil
}

// inQueue adds to the definition's queue, which is made again where it was deleted
// after the service had last heard of it.
func inQueue[T any](ctx context.Context, service JobService, def *Definition, add func(JobQueue) (T, error)) (added T, err error) {
	for range 2 {
		var queue JobQueue
		if queue, err = service.GetQueue(ctx, def.Queue); err != nil {
			return added, err
		}
		added, err = add(queue)
		if _, ours := queue.(*Queue); !ours || !engine.Is(err, ErrJobQueueNotFound) {
			break
		}
	}
	return added, err
}

// EnqueueBatch adds one job per payload, in one transaction: all or none. On a
// [JobQueue] that somebody else wrote, which has no batches, it adds one by one
// and returns the ids added so far together with the first error. The payloads
// are a slice of the type's.
func EnqueueBatch(ctx context.Context, service JobService, def *Definition, payloads any, opts ...JobOption) ([]snowflake.ID, error) {
	slice := reflect.ValueOf(payloads)
	if slice.Kind() != reflect.Slice {
		return nil, fmt.Errorf("enqueue %s: %w: many payloads are a []%v, not a %T", def.Type, ErrInvalidJobType, def.payload(), payloads)
	}
	n := slice.Len()
	if n == 0 {
		return nil, nil
	}
	if err := driver.CheckBatch(n); err != nil {
		return nil, fmt.Errorf("enqueue %d %s: %w", n, def.Type, err)
	}
	pointers := make([]any, n)
	for i := range pointers {
		pointers[i] = slice.Index(i).Addr().Interface()
	}
	opts = def.with(opts)
	ids, err := inQueue(ctx, service, def, func(queue JobQueue) ([]snowflake.ID, error) { return addBatch(ctx, queue, def.Type, pointers, opts) })
	if err != nil {
		return ids, fmt.Errorf("enqueue %d %s: %w", n, def.Type, err)
	}
	return ids, nil
}
