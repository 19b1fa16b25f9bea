package runtime

import (
	"context"
	"fmt"
	"slices"

	"github.com/bwmarrin/snowflake"
)

// Enqueue adds one job of a defined type to the type's queue. The
// definition's options come first, so those given here override them. The
// generated Enqueue functions call it.
func Enqueue[P any](ctx context.Context, service JobService, def *Definition[P], payload *P, opts ...JobOption) (snowflake.ID, error) {
	queue, err := service.GetQueue(ctx, def.queue)
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", def.jobType, err)
	}
	id, err := queue.Add(ctx, def.jobType, payload, def.with(opts)...)
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", def.jobType, err)
	}
	return id, nil
}

// EnqueueBatch adds one job per payload, in one transaction where the queue is
// a [BatchAdder]: all or none. On another queue it adds one by one and returns
// the ids added so far together with the first error.
func EnqueueBatch[P any](ctx context.Context, service JobService, def *Definition[P], payloads []P, opts ...JobOption) ([]snowflake.ID, error) {
	if len(payloads) == 0 {
		return nil, nil
	}
	if err := CheckBatch(len(payloads)); err != nil {
		return nil, fmt.Errorf("enqueue %d %s: %w", len(payloads), def.jobType, err)
	}
	queue, err := service.GetQueue(ctx, def.queue)
	if err != nil {
		return nil, fmt.Errorf("enqueue %d %s: %w", len(payloads), def.jobType, err)
	}
	opts = def.with(opts)
	if batch, ok := queue.(BatchAdder); ok {
		boxed := make([]any, len(payloads))
		for i := range payloads {
			boxed[i] = &payloads[i]
		}
		ids, err := batch.AddBatch(ctx, def.jobType, boxed, opts...)
		if err != nil {
			return nil, fmt.Errorf("enqueue %d %s: %w", len(payloads), def.jobType, err)
		}
		return ids, nil
	}
	ids := make([]snowflake.ID, 0, len(payloads))
	for i := range payloads {
		id, err := queue.Add(ctx, def.jobType, &payloads[i], opts...)
		if err != nil {
			return ids, fmt.Errorf("enqueue %s, %d of %d: %w", def.jobType, i, len(payloads), err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// with returns the definition's options followed by opts.
func (d *Definition[P]) with(opts []JobOption) []JobOption {
	if len(opts) == 0 {
		return d.options
	}
	return slices.Concat(d.options, opts)
}
