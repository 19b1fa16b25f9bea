package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A WorkerOption changes one setting of a [Worker]. A value out of bounds is
// an error of Run, which names all of them together.
type WorkerOption interface{ applyToWorker(*workerSettings) }

type workerOption func(*workerSettings)

func (o workerOption) applyToWorker(s *workerSettings) { o(s) }

// Defaults and bounds of a Worker's settings.
const (
	defaultHandlers     = 100
	maxHandlers         = 100_000
	defaultPollInterval = 5 * time.Second
	minPollInterval     = 10 * time.Millisecond
	maxPollInterval     = time.Hour
	defaultGracePeriod  = 30 * time.Second
)

// workerSettings is everything that options decide.
type workerSettings struct {
	handlers      int
	queueHandlers map[string]int
	queues        []string
	pollInterval  time.Duration
	gracePeriod   time.Duration
	handlerID     string
	logger        *slog.Logger
	observer      observe.Observer // or nil
}

func newWorkerSettings(opts []WorkerOption) workerSettings {
	s := workerSettings{
		handlers:      defaultHandlers,
		queueHandlers: make(map[string]int),
		pollInterval:  defaultPollInterval,
		gracePeriod:   defaultGracePeriod,
		handlerID:     newHandlerID(),
		logger:        slog.Default(),
	}
	for _, opt := range opts {
		opt.applyToWorker(&s)
	}
	s.logger = guardedLogger(s.logger)
	return s
}

// newHandlerID names this start of this process, so that a restarted worker
// can take over what it left before.
func newHandlerID() string {
	host, err := os.Hostname()
	if err != nil || driver.CheckName("handler", host) != nil || len(host) > 200 {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d:%x", host, os.Getpid(), rand.Uint64())
}

// WithHandlers sets how many jobs of each queue run at once in this Worker: 1
// to 100,000, by default 100.
func WithHandlers(n int) WorkerOption {
	return workerOption(func(s *workerSettings) { s.handlers = n })
}

// WithQueueHandlers is [WithHandlers] for one queue, whatever the others have. A
// Worker that does not work the queue ignores it, so that programs which work some
// queues each can share their options.
func WithQueueHandlers(queue string, n int) WorkerOption {
	return workerOption(func(s *workerSettings) { s.queueHandlers[queue] = n })
}

// WithQueues makes the Worker work only these of its mux's queues; by default
// it works them all.
func WithQueues(queues ...string) WorkerOption {
	return workerOption(func(s *workerSettings) { s.queues = queues })
}

// WithPollInterval sets how long an idle Worker trusts that it is notified of
// new jobs before it looks by itself: 10 ms to an hour, by default 5 s. It is
// how long a lost notification can delay a job.
func WithPollInterval(d time.Duration) WorkerOption {
	return workerOption(func(s *workerSettings) { s.pollInterval = d })
}

// WithGracePeriod sets how long running handlers may take to finish once Run's
// context has ended, before theirs end too; by default 30 s. Zero does not
// wait at all.
func WithGracePeriod(d time.Duration) WorkerOption {
	return workerOption(func(s *workerSettings) { s.gracePeriod = d })
}

// WithHandlerID names the Worker as a handler, in 1 to 255 bytes. The default
// is unique to each NewWorker; two Workers, or two starts of a process, that
// share a name cannot steal from each other. Where the Worker may have left a
// claim behind, because the store was away, it continues as NAME+1, NAME+2 and
// so on, so that it can take over those claims.
func WithHandlerID(id string) WorkerOption {
	return workerOption(func(s *workerSettings) { s.handlerID = id })
}

// WithLogger sets the Worker's own logger, by default slog.Default(). What
// handlers log with [Logger] goes there too. Nil discards everything.
func WithLogger(logger *slog.Logger) WorkerOption {
	return workerOption(func(s *workerSettings) {
		if logger == nil {
			logger = slog.New(slog.DiscardHandler)
		}
		s.logger = logger
	})
}

// WithObserver sets who is told what the Worker does; by default nobody is.
func WithObserver(observer observe.Observer) WorkerOption {
	return workerOption(func(s *workerSettings) { s.observer = observer })
}

// check returns all that is wrong with the settings for the mux's queues.
func (s *workerSettings) check(mux *Mux) error {
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	bound := func(name string, n int) {
		if n < 1 || n > maxHandlers {
			mistake("%s: %d handlers are outside 1 to %d", name, n, maxHandlers)
		}
	}
	bound("WithHandlers", s.handlers)
	known := mux.queues()
	if len(known) == 0 && mux.err == nil {
		mistake("the mux has no handlers")
	}
	for queue, n := range s.queueHandlers {
		bound(fmt.Sprintf("WithQueueHandlers(%q)", queue), n)
	}
	for _, queue := range s.queues {
		if !slices.Contains(known, queue) {
			mistake("WithQueues(%q): no handled job type uses that queue; they use %q", queue, known)
		}
	}
	if s.pollInterval < minPollInterval || s.pollInterval > maxPollInterval {
		mistake("WithPollInterval: %v is outside %v to %v", s.pollInterval, minPollInterval, maxPollInterval)
	}
	if s.gracePeriod < 0 {
		mistake("WithGracePeriod: %v is negative", s.gracePeriod)
	}
	if err := driver.CheckName("handler", s.handlerID); err != nil {
		mistake("WithHandlerID: %w", err)
	}
	return errors.Join(errs...)
}

// attrs are the settings in force, for a log line.
func (s *workerSettings) attrs() []any {
	return []any{
		"handler", s.handlerID, "handlers", s.handlers, "queue_handlers", s.queueHandlers,
		"poll_interval", s.pollInterval, "grace_period", s.gracePeriod,
	}
}

// sayTime is how long the logger or the observer may take to be told that the
// Worker starts, cannot begin, or has stopped.
const sayTime = 100 * time.Millisecond

// say logs a line.
func (s *workerSettings) say(level slog.Level, line string, attrs ...any) {
	callBriefly(func() { s.logger.Log(context.Background(), level, line, attrs...) })
}

// tell tells the observer of an event before any queue is worked.
func (s *workerSettings) tell(event observe.Event) {
	if s.observer != nil {
		event.Time = time.Now()
		callBriefly(func() { s.observer.Observe(event) })
	}
}

// callBriefly calls the user's code, which may panic, block, or end its goroutine.
func callBriefly(code func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		code()
	}()
	timer := time.NewTimer(sayTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
