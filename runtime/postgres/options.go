package postgres

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Option changes how Open, New and Migrate work.
type Option func(*options) error

type options struct {
	schema    string
	listen    bool
	migrate   bool
	retention time.Duration
}

const (
	defaultSchema    = "jobgen"
	defaultRetention = 30 * 24 * time.Hour
	maxIdentifier    = 63 // bytes; PostgreSQL cuts longer names off in silence
)

func newOptions(opts []Option) (options, error) {
	o := options{schema: defaultSchema, listen: true, migrate: true, retention: defaultRetention}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}

// WithSchema chooses the schema that holds the tables; the default is
// "jobgen". Stores of different schemas share nothing. A name has 1 to 63
// bytes, and none of ' " \ % $ and control characters.
func WithSchema(name string) Option {
	return func(o *options) error {
		if err := checkIdentifier("the schema's name", name); err != nil {
			return err
		}
		o.schema = name
		return nil
	}
}

// checkIdentifier refuses what PostgreSQL would cut or reserves, and what would
// need more than quotes to stand in a statement or a text in it.
func checkIdentifier(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case len(name) > maxIdentifier:
		return fmt.Errorf("%s %q has %d bytes, more than the %d that PostgreSQL keeps", what, name, len(name), maxIdentifier)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not valid UTF-8", what, name)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(`'"\%$`, r) }):
		return fmt.Errorf(`%s %q holds one of ' " \ %% $ or a control character`, what, name)
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return fmt.Errorf("%s %q is reserved by PostgreSQL", what, name)
	}
	return nil
}

// WithoutListen uses no LISTEN connection, since a pooler in transaction mode
// does not support one: jobs of other processes and revoked claims are then
// found by polling alone.
func WithoutListen() Option {
	return func(o *options) error {
		o.listen = false
		return nil
	}
}

// WithRetention chooses how long the logs of ended attempts are kept, in whole
// days; the default is 30 days, and 0 keeps them forever. Cancelled jobs are
// remembered for as long. Dead jobs are kept until they are revived or their
// queue is deleted.
func WithRetention(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 || d > 0 && d < 24*time.Hour {
			return fmt.Errorf("a retention of %v is neither 0 nor at least one day", d)
		}
		o.retention = d
		return nil
	}
}

// WithoutMigrations leaves the schema as it is; [Migrate] brings it up to date,
// with the rights that this takes. Opening a database that is not up to date
// is then an error.
func WithoutMigrations() Option {
	return func(o *options) error {
		o.migrate = false
		return nil
	}
}
