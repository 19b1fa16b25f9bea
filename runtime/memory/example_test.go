package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// A test opens a store of its own with a clock that it sets, runs the code that
// enqueues, and looks at what is due.
func ExampleNew() {
	ctx := context.Background()
	clock := memory.NewClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	store, err := memory.New(jobs.Catalogue, memory.WithClock(clock.Now))
	if err != nil {
		log.Fatal(err)
	}
	tomorrow := runtime.JobOptions.Due(clock.Now().Add(24 * time.Hour))
	if _, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome"), tomorrow); err != nil {
		log.Fatal(err)
	}
	queue, err := store.Queue(ctx, jobs.EmailsQueue)
	if err != nil {
		log.Fatal(err)
	}
	_, err = queue.TryClaim(ctx, "test")
	fmt.Println("nothing is due today:", errors.Is(err, runtime.ErrJobNotFound))
	clock.Advance(24 * time.Hour)
	job, err := queue.TryClaim(ctx, "test")
	if err != nil {
		log.Fatal(err)
	}
	payload, err := job.Payload()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("tomorrow:", payload.(*jobs.EmailJob).EmailID)
	// Output:
	// nothing is due today: true
	// tomorrow: welcome
}
