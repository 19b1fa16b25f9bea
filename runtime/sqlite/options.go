package sqlite

import (
	"fmt"
	"time"
)

// An Option changes how Open works.
type Option func(*options) error

type options struct {
	synchronous string
	busy        time.Duration
	retention   time.Duration
	pragmas     []string // on every connection, for tests
}

const (
	defaultBusy      = 10 * time.Second
	defaultRetention = 30 * 24 * time.Hour
)

func newOptions(opts []Option) (options, error) {
	o := options{synchronous: "FULL", busy: defaultBusy, retention: defaultRetention}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}

// WithSynchronousNormal leaves out the wait for the disk at each commit. A
// process that is killed still loses nothing; when the machine loses power,
// the last commits may be undone, and the file stays whole. Every process on
// the file decides for its own commits.
func WithSynchronousNormal() Option {
	return func(o *options) error {
		o.synchronous = "NORMAL"
		return nil
	}
}

// WithBusyTimeout chooses how long a write waits for another writer's
// transaction to end before it is an error; the default is 10 seconds.
func WithBusyTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d < time.Millisecond {
			return fmt.Errorf("a busy timeout of %v is less than one millisecond", d)
		}
		o.busy = d
		return nil
	}
}

// WithRetention chooses how long the logs of ended attempts are kept; the
// default is 30 days, and 0 keeps them forever. Cancelled jobs are remembered
// for as long. Dead jobs are kept until they are revived or their queue is
// deleted.
func WithRetention(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 {
			return fmt.Errorf("a retention of %v is negative", d)
		}
		o.retention = d
		return nil
	}
}
