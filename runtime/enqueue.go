package runtime

import (
	"context"
	"fmt"

	"github.com/bwmarrin/snowflake"
)

// Enqueue adds one job of a defined type to the type's queue. The
// definition's options come first, so those given here override them. The
// generated Enqueue functions call it.
func Enqueue[P any](ctx context.Context, service JobService, def *Definition[P], payload *P, opts ...JobOption) (snowflake.ID, error) {
	return enqueue(ctx, service, def.common, payload, opts)
}

func enqueue(ctx context.Context, service JobService, def *definition, payload any, opts []JobOption) (snowflake.ID, error) {
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
	boxed := make([]any, len(payloads))
	for i := range payloads {
		boxed[i] = &payloads[i]
	}
	return enqueueBatch(ctx, service, def.common, boxed, opts)
}

func enqueueBatch(ctx context.Context, service JobService, def *definition, payloads []any, opts []JobOption) ([]snowflake.ID, error) {
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
		ids, err := batch.AddBatch(ctx, def.jobType, payloads, opts...)
		if err != nil {
			return nil, fmt.Errorf("enqueue %d %s: %w", len(payloads), def.jobType, err)
		}
		return ids, nil
	}
	ids := make([]snowflake.ID, 0, len(payloads))
	for i, payload := range payloads {
		id, err := queue.Add(ctx, def.jobType, payload, opts...)
		if err != nil {
			return ids, fmt.Errorf("enqueue %s, %d of %d: %w", def.jobType, i, len(payloads), err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
