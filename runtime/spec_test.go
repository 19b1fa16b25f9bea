package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// This file is an outsider's code: it uses every public name of the job model
// with the type that the model gives it, so that none is renamed or retyped.

var (
	_ time.Duration                                  = runtime.DefaultMaxWorkDuration
	_ *time.Duration                                 = &runtime.BackoffDuration
	_ []error                                        = []error{runtime.ErrInvalidJobType, runtime.ErrJobCancelled, runtime.ErrJobCanceled, runtime.ErrJobNotFound, runtime.ErrJobNotClaimed, runtime.ErrJobQueueAlreadyExists, runtime.ErrJobQueueNotFound}
	_ func(context.Context) *slog.Logger             = runtime.Logger
	_ func(*runtime.Job) ([]byte, error)             = (*runtime.Job).Encode
	_ func(*runtime.Job) (any, error)                = (*runtime.Job).Payload
	_ func(*runtime.JobClaim) []byte                 = (*runtime.JobClaim).Bytes
	_ runtime.JobOptionConstructor                   = runtime.JobOptions
	_ func(time.Time) runtime.JobDue                 = runtime.JobOptions.Due
	_ func(int32) runtime.JobMaxAttempts             = runtime.JobOptions.MaxAttempts
	_ func(time.Duration) runtime.JobMaxWorkDuration = runtime.JobOptions.MaxWorkDuration
	_ func(int16) runtime.JobPriority                = runtime.JobOptions.Priority
	_ []runtime.JobOption                            = []runtime.JobOption{runtime.JobDue(time.Time{}), runtime.JobMaxAttempts(int32(1)), runtime.JobMaxWorkDuration(time.Second)}
	_ time.Time                                      = time.Time(runtime.JobDue{})
	_ runtime.JobService                             = outsideService{}
	_ runtime.JobQueue                               = outsideQueue{}

	_ func(*runtime.Job, context.Context, func(context.Context) error) error                        = (*runtime.Job).Exec
	_ func(context.Context, runtime.JobQueue, string, time.Duration, float64) (*runtime.Job, error) = runtime.Claim
	_                                                                                               = runtime.JobQueueStats{Waiting: int64(0), Due: int64(0), Claimed: int64(0)}
	_                                                                                               = runtime.JobLog{AttemptNumber: int32(0), HandlerID: "", Success: false, FailureReason: "", Log: []byte(nil)}
	_                                                                                               = func(c *runtime.JobClaim) *bytes.Buffer { return &c.Buffer }

	_ func(*runtime.JobClaim, context.Context) error         = (*runtime.JobClaim).Complete
	_ func(*runtime.JobClaim, context.Context, string) error = (*runtime.JobClaim).Fail
)

// outsideService and outsideQueue have the methods that the model lists and
// no others, so the interfaces ask for no more.
type outsideService struct{ queue runtime.JobQueue }

func (s outsideService) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if name != s.queue.Name() {
		return nil, fmt.Errorf("no queue %q", name)
	}
	return outsideQueue(s), ctx.Err()
}

type outsideQueue struct{ queue runtime.JobQueue }

func (q outsideQueue) Name() string { return q.queue.Name() }

func (q outsideQueue) Add(ctx context.Context, jobType runtime.JobType, payload any, opts ...runtime.JobOption) (snowflake.ID, error) {
	return q.queue.Add(ctx, jobType, payload, opts...)
}

func (q outsideQueue) AddAndClaim(ctx context.Context, jobType runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	return q.queue.AddAndClaim(ctx, jobType, payload, handlerID, opts...)
}
func (q outsideQueue) WaitForJob(ctx context.Context) error { return q.queue.WaitForJob(ctx) }

func (q outsideQueue) TryClaim(ctx context.Context, handlerID string) (*runtime.Job, error) {
	return q.queue.TryClaim(ctx, handlerID)
}

func (q outsideQueue) TrySteal(ctx context.Context, handlerID string) (*runtime.Job, error) {
	return q.queue.TrySteal(ctx, handlerID)
}

func (q outsideQueue) Cancel(ctx context.Context, jobID snowflake.ID) error {
	return q.queue.Cancel(ctx, jobID)
}

func (q outsideQueue) Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error {
	return q.queue.Complete(ctx, jobID, handlerID, attemptNumber, log)
}

func (q outsideQueue) Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error {
	return q.queue.Fail(ctx, jobID, handlerID, attemptNumber, reason, log)
}

func (q outsideQueue) Stats(ctx context.Context) (runtime.JobQueueStats, error) {
	return q.queue.Stats(ctx)
}

func (q outsideQueue) Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*runtime.JobLog, error) {
	return q.queue.Log(ctx, jobID, attemptNumber)
}

// email is the model's own example, written down as jobgen would.
type email struct {
	AccountID snowflake.ID
	EmailID   string
}

var emailJob = runtime.Define[email]("email", "emails", runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.MaxWorkDuration(30*time.Second))

// outside is a queue of e-mails whose every ability but the model's is hidden.
func outside(t *testing.T) (runtime.JobService, runtime.JobQueue, *memory.Clock) {
	t.Helper()
	clock := memory.NewClock(time.Now())
	store, err := memory.New(runtime.NewCatalogue(emailJob), memory.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := store.GetQueue(t.Context(), "emails")
	if err != nil {
		t.Fatal(err)
	}
	service := outsideService{queue}
	queue, err = service.GetQueue(t.Context(), "emails")
	if err != nil {
		t.Fatal(err)
	}
	return service, queue, clock
}

func claimed(t *testing.T, queue runtime.JobQueue, handler string) *runtime.Job {
	t.Helper()
	job, err := queue.TryClaim(t.Context(), handler)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestConstantsAndErrorsOfTheJobModel(t *testing.T) {
	if runtime.DefaultMaxWorkDuration != time.Minute || runtime.BackoffDuration != 5*time.Second {
		t.Errorf("%v, %v", runtime.DefaultMaxWorkDuration, runtime.BackoffDuration)
	}
	if !errors.Is(runtime.ErrJobCanceled, runtime.ErrJobCancelled) {
		t.Error("ErrJobCanceled is not ErrJobCancelled")
	}
	all := []error{
		runtime.ErrInvalidJobType, runtime.ErrJobCancelled, runtime.ErrJobNotFound, runtime.ErrJobNotClaimed,
		runtime.ErrJobQueueAlreadyExists, runtime.ErrJobQueueNotFound,
	}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("%v and %v are not apart", a, b)
			}
		}
	}
}

func TestFieldsOfAJobAsTheModelNamesThem(t *testing.T) {
	_, queue, _ := outside(t)
	due := time.Now().Add(-time.Hour)
	id, err := queue.Add(t.Context(), "email", email{7, "welcome"}, runtime.JobOptions.Due(due), runtime.JobOptions.MaxAttempts(3))
	if err != nil {
		t.Fatal(err)
	}
	job := claimed(t, queue, "h")
	fields := struct {
		ID                              snowflake.ID
		Type                            runtime.JobType
		Data                            json.RawMessage
		Created, Due                    time.Time
		MaxWorkDuration                 time.Duration
		AttemptsMade, AttemptsRemaining int32
		JobClaim                        *runtime.JobClaim
	}{job.ID, job.Type, job.Data, job.Created, job.Due, job.MaxWorkDuration, job.AttemptsMade, job.AttemptsRemaining, job.JobClaim}
	if fields.ID != id || fields.Type != "email" || fields.Created.IsZero() || !fields.Due.Equal(due.Truncate(time.Microsecond)) ||
		fields.MaxWorkDuration != runtime.DefaultMaxWorkDuration || fields.AttemptsMade != 0 || fields.AttemptsRemaining != 2 {
		t.Errorf("%+v", fields)
	}
	claim := struct {
		JobID         snowflake.ID
		HandlerID     string
		AttemptNumber int32
		Queue         runtime.JobQueue
	}{job.JobID, job.HandlerID, job.AttemptNumber, job.Queue}
	if claim.JobID != id || claim.HandlerID != "h" || claim.AttemptNumber != 0 || claim.Queue.Name() != "emails" {
		t.Errorf("%+v", claim)
	}
	payload, err := job.Payload()
	if p, ok := payload.(*email); err != nil || !ok || *p != (email{7, "welcome"}) {
		t.Errorf("payload %#v, %v", payload, err)
	}
	if encoded, err := job.Encode(); err != nil || !json.Valid(encoded) {
		t.Errorf("encoded as %s, %v", encoded, err)
	}
}

func TestOptionsApplyAsTheModelSays(t *testing.T) {
	var job runtime.Job
	at := time.Now()
	for _, opt := range []runtime.JobOption{
		runtime.JobOptions.Due(at), runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.MaxWorkDuration(1500 * time.Millisecond),
	} {
		if err := opt.Apply(&job); err != nil {
			t.Error(err)
		}
	}
	if !job.Due.Equal(at) || job.AttemptsRemaining != 3 || job.MaxWorkDuration != 1500*time.Millisecond {
		t.Errorf("%+v", job)
	}
	for _, opt := range []runtime.JobOption{runtime.JobMaxAttempts(0), runtime.JobMaxAttempts(-1), runtime.JobMaxWorkDuration(-1)} {
		if err := opt.Apply(&runtime.Job{}); err == nil {
			t.Errorf("%T %v was accepted", opt, opt)
		}
	}
}

func TestJobsRunThroughTheModelsMethodsAlone(t *testing.T) {
	service, queue, clock := outside(t)
	ctx := t.Context()
	if _, err := queue.Add(ctx, "unknown", email{}); !errors.Is(err, runtime.ErrInvalidJobType) {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := queue.Add(ctx, "email", "a text"); !errors.Is(err, runtime.ErrInvalidJobType) {
		t.Errorf("wrong payload: %v", err)
	}
	id, err := runtime.Enqueue(ctx, service, emailJob, &email{1, "welcome"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := runtime.Claim(ctx, queue, "first", time.Second, 0.5)
	if err != nil || job.ID != id || job.AttemptNumber != 0 || job.AttemptsMade != 0 || job.AttemptsRemaining != 2 {
		t.Fatalf("claimed %+v, %v", job, err)
	}
	if err := job.Fail(ctx, "no luck"); err != nil {
		t.Fatal(err)
	}
	job = claimed(t, queue, "second")
	clock.Advance(30 * time.Second)
	thief, err := queue.TrySteal(ctx, "thief")
	if err != nil || thief.AttemptNumber != 2 || thief.AttemptsMade != 2 || thief.AttemptsRemaining != 0 {
		t.Fatalf("stole %+v, %v", thief, err)
	}
	if err := job.Fail(ctx, "late"); !errors.Is(err, runtime.ErrJobNotClaimed) {
		t.Errorf("late Fail: %v", err)
	}
	if stats, err := queue.Stats(ctx); err != nil || stats != (runtime.JobQueueStats{Waiting: 0, Due: 1, Claimed: 1}) {
		t.Errorf("%+v, %v", stats, err)
	}
	if err := thief.Complete(ctx); err != nil {
		t.Error(err)
	}
	if err := queue.Cancel(ctx, id); !errors.Is(err, runtime.ErrJobNotFound) {
		t.Errorf("cancel of a finished job: %v", err)
	}
	want := []runtime.JobLog{
		{AttemptNumber: 0, HandlerID: "first", Success: false, FailureReason: "no luck", Log: nil},
		{AttemptNumber: 1, HandlerID: "second", Success: false, FailureReason: "late", Log: nil},
		{AttemptNumber: 2, HandlerID: "thief", Success: true, FailureReason: "", Log: nil},
	}
	for n, w := range want {
		log, err := queue.Log(ctx, id, int32(n))
		if err != nil || log.AttemptNumber != w.AttemptNumber || log.HandlerID != w.HandlerID || log.Success != w.Success || log.FailureReason != w.FailureReason || len(log.Log) > 0 {
			t.Errorf("log %d: %+v, %v", n, log, err)
		}
	}
}

func TestExecCompletesWithTheLogOrFailsAndNeedsAClaim(t *testing.T) {
	_, queue, _ := outside(t)
	ctx := t.Context()
	if err := (&runtime.Job{}).Exec(ctx, func(context.Context) error { return nil }); !errors.Is(err, runtime.ErrJobNotClaimed) {
		t.Errorf("without a claim: %v", err)
	}
	job, err := queue.AddAndClaim(ctx, "email", &email{}, "h")
	if err != nil {
		t.Fatal(err)
	}
	if job.AttemptsRemaining != math.MaxInt32-1 {
		t.Errorf("%d attempts remain", job.AttemptsRemaining)
	}
	err = job.Exec(ctx, func(ctx context.Context) error {
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() { fmt.Fprintln(job.JobClaim, "written") })
		}
		writers.Wait()
		runtime.Logger(ctx).Info("logged")
		if _, ok := ctx.Deadline(); !ok {
			return errors.New("no deadline")
		}
		return nil
	})
	log, logErr := queue.Log(ctx, job.ID, 0)
	if err != nil || logErr != nil || !log.Success || strings.Count(string(log.Log), "written\n") != 8 || !strings.Contains(string(log.Log), "logged") {
		t.Errorf("%v, %+v, %v", err, log, logErr)
	}
	job, err = queue.AddAndClaim(ctx, "email", email{}, "h")
	if err != nil {
		t.Fatal(err)
	}
	unlucky := errors.New("no luck")
	if err := job.Exec(ctx, func(context.Context) error { return unlucky }); !errors.Is(err, unlucky) {
		t.Errorf("Exec: %v", err)
	}
	if log, err := queue.Log(ctx, job.ID, 0); err != nil || log.Success || log.FailureReason != "no luck" {
		t.Errorf("%+v, %v", log, err)
	}
}

func TestOperatorsErrorsComeFromTheStore(t *testing.T) {
	store, err := memory.New(runtime.NewCatalogue(emailJob))
	if err != nil {
		t.Fatal(err)
	}
	admin := store.Store
	ctx := t.Context()
	if _, err := admin.Queue(ctx, "reports"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Error(err)
	}
	if _, err := admin.DrainQueue(ctx, "reports"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Error(err)
	}
	if err := admin.DeleteQueue(ctx, "reports"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Error(err)
	}
	if _, err := admin.GetQueue(ctx, "reports"); err != nil {
		t.Error(err)
	}
	if _, err := admin.CreateQueue(ctx, "reports"); !errors.Is(err, runtime.ErrJobQueueAlreadyExists) {
		t.Error(err)
	}
	if names, err := admin.Queues(ctx); err != nil || !slices.Equal(names, []string{"emails", "reports"}) {
		t.Errorf("%q, %v", names, err)
	}
}
