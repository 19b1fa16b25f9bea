package queuetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/value"
)

// What secret payloads hold, and must stand nowhere else.
const (
	secretText   = "MARKER-of-a-payload"
	secretNumber = 987654321
	secretDay    = "MARKER-01-01"
)

type secretPayload struct {
	Text   string `json:"text"`
	Number int    `json:"number"`
	Day    string `json:"day"`
}

// Payloads that do not fit what was written, each in a way that encoding/json
// or a type reports with the value in it.
type (
	secretNoText   struct{ Text int }
	secretNoNumber struct{ Number int8 }
	secretNoDay    struct{ Day value.Date }
)

var (
	secretJobs = []runtime.JobType{"done", "fails", "panics", "exits", "text", "number", "day"}
	secretsOut = runtime.NewCatalogue(
		secret[secretPayload]("done"), secret[secretPayload]("fails"), secret[secretPayload]("panics"), secret[secretPayload]("exits"),
		secret[secretPayload]("text"), secret[secretPayload]("number"), secret[secretPayload]("day"))
	secretsIn = runtime.NewCatalogue(
		secret[secretPayload]("done"), secret[secretPayload]("fails"), secret[secretPayload]("panics"), secret[secretPayload]("exits"),
		secret[secretNoText]("text"), secret[secretNoNumber]("number"), secret[secretNoDay]("day"))
)

func secret[P any](t runtime.JobType) *runtime.Definition {
	return runtime.Define[P](t, "queue", runtime.JobOptions.MaxAttempts(1))
}

// tells reports what of a secret payload stands in text, the number in
// hexadecimal too, as stacks have it.
func tells(text string) string {
	for _, part := range []string{"MARKER", fmt.Sprint(secretNumber), fmt.Sprintf("%x", secretNumber)} {
		if strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// Lines are what several goroutines have logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *lines) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *lines) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

//go:noinline
func blowUp(p secretPayload) error { panic(fmt.Sprintf("boom of %d bytes", len(p.Text))) }

var secrecy = behaviours{
	"nothing of a payload is logged or kept with an attempt, whatever becomes of its job": func(x *trial) {
		out := x.open(x.store.Open(x, secretsOut), "queue")
		ids := make(map[runtime.JobType]snowflake.ID)
		for _, t := range secretJobs {
			id, err := out.Add(x.Context(), t, secretPayload{secretText, secretNumber, secretDay}, runtime.JobOptions.MaxAttempts(1))
			x.must(err)
			ids[t] = id
		}
		mux := runtime.NewMux()
		handle := func(t runtime.JobType, handler func(secretPayload) error) {
			mux.Handle(secret[secretPayload](t), func(ctx context.Context, job *runtime.Job, p secretPayload) error {
				runtime.Logger(ctx).Info("begun", "what", job, "as", job.String())
				return handler(p)
			})
		}
		handle("done", func(secretPayload) error { return nil })
		handle("fails", func(secretPayload) error { return errors.New("no luck") })
		handle("panics", blowUp)
		handle("exits", func(secretPayload) error { goruntime.Goexit(); return nil })
		mux.Handle(secret[secretNoText]("text"), func(context.Context, *runtime.Job, secretNoText) error { return nil })
		mux.Handle(secret[secretNoNumber]("number"), func(context.Context, *runtime.Job, secretNoNumber) error { return nil })
		mux.Handle(secret[secretNoDay]("day"), func(context.Context, *runtime.Job, secretNoDay) error { return nil })
		logged := &lines{}
		stop := x.workOn(x.store.Open(x, secretsIn), mux,
			runtime.WithLogger(slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))))
		x.awaits(runtime.JobQueueStats{})
		x.must(stop())

		if part := tells(logged.String()); part != "" {
			x.Errorf("%q is logged:\n%s", part, logged)
		}
		for _, want := range []string{"no luck", "boom", "begun", "decode", "attempt done"} {
			if !strings.Contains(logged.String(), want) {
				x.Errorf("%q is not logged:\n%s", want, logged)
			}
		}
		for t, id := range ids {
			log, err := out.Log(x.Context(), id, 0)
			x.must(err)
			if log.Success != (t == "done") {
				x.Errorf("job %s: %+v", t, log)
			}
			if part := tells(log.FailureReason + string(log.Log)); part != "" {
				x.Errorf("job %s: %q is kept: %q\n%s", t, part, log.FailureReason, log.Log)
			}
		}
	},
	"an undecodable payload is told to its handler in full": func(x *trial) {
		out := x.open(x.store.Open(x, secretsOut), "queue")
		_, err := out.Add(x.Context(), "day", secretPayload{Day: secretDay})
		x.must(err)
		job, err := x.open(x.store.Open(x, secretsIn), "queue").TryClaim(x.Context(), "h")
		x.must(err)
		_, err = job.Payload()
		var wrong *runtime.PayloadError
		if !errors.As(err, &wrong) || tells(err.Error()) != "" {
			x.Fatalf("error %v; want a PayloadError that tells nothing", err)
		}
		inner := wrong.Err
		for inner != nil && !strings.Contains(inner.Error(), secretDay) {
			inner = errors.Unwrap(inner)
		}
		if inner == nil {
			x.Errorf("nothing within %v is what the type said", err)
		}
	},
}
