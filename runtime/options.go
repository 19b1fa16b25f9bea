package runtime

import (
	"fmt"
	"math"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// applied returns what options come to, beginning with the defaults.
func applied(opts []JobOption) (o driver.Options, err error) {
	job := Job{MaxWorkDuration: DefaultMaxWorkDuration, AttemptsRemaining: math.MaxInt32}
	for _, opt := range opts {
		if err := applyTo(&job, opt); err != nil {
			return o, err
		}
	}
	if err := checkApplied(&job); err != nil {
		return o, err
	}
	if !job.Due.IsZero() {
		o.Due = job.Due.UTC().Truncate(time.Microsecond)
	}
	o.MaxWork = job.MaxWorkDuration.Truncate(time.Microsecond)
	if o.MaxWork == 0 && job.MaxWorkDuration > 0 {
		o.MaxWork = time.Microsecond // zero would mean stealable at once
	}
	o.MaxAttempts, o.Priority = job.AttemptsRemaining, job.Priority
	return o, nil
}

// checkApplied says which property of a job no job can have: an option that is
// the user's own may set any.
func checkApplied(job *Job) error {
	if err := JobDue(job.Due).Apply(job); err != nil {
		return err
	}
	if err := JobMaxAttempts(job.AttemptsRemaining).Apply(job); err != nil {
		return err
	}
	if err := JobMaxWorkDuration(job.MaxWorkDuration).Apply(job); err != nil {
		return err
	}
	return JobPriority(job.Priority).Apply(job)
}

// applyTo applies an option that may be the user's own.
func applyTo(job *Job, opt JobOption) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("option %T: %s", opt, engine.PanicText(value))
		}
	}()
	return opt.Apply(job)
}

// JobDue is when a job becomes claimable. The zero time is now. Times are
// kept to the microsecond, in the years 1 to 9999.
type JobDue time.Time

// Apply sets job.Due.
func (d JobDue) Apply(job *Job) error {
	t := time.Time(d)
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("due %v: the year is outside 1 to 9999", t)
	}
	job.Due = t
	return nil
}

// JobMaxAttempts is how often a job may be claimed, stolen claims included;
// at least 1. Without it attempts are unlimited.
type JobMaxAttempts int32

// Apply sets job.AttemptsRemaining.
func (n JobMaxAttempts) Apply(job *Job) error {
	if n <= 0 {
		return fmt.Errorf("max attempts %d: at least 1 is needed", n)
	}
	job.AttemptsRemaining = int32(n)
	return nil
}

// JobMaxWorkDuration is how long one claim lasts before another handler may
// steal it, kept to the microsecond. Zero means stealable at once.
type JobMaxWorkDuration time.Duration

// Apply sets job.MaxWorkDuration.
func (d JobMaxWorkDuration) Apply(job *Job) error {
	if d < 0 {
		return fmt.Errorf("max work duration %v: it is negative", time.Duration(d))
	}
	job.MaxWorkDuration = time.Duration(d)
	return nil
}

// JobPriority orders due jobs before their Due does, from 0, claimed first and
// the default, to [driver.MaxPriority].
type JobPriority int16

// Apply sets job.Priority.
func (p JobPriority) Apply(job *Job) error {
	if p < 0 || p > driver.MaxPriority {
		return fmt.Errorf("priority %d: it is outside 0 to %d", p, driver.MaxPriority)
	}
	job.Priority = int16(p)
	return nil
}

// JobOptionConstructor makes options; use it through [JobOptions].
type JobOptionConstructor struct{}

// JobOptions makes job options: runtime.JobOptions.MaxAttempts(3).
var JobOptions JobOptionConstructor

// Due makes a job claimable from t on; see [JobDue].
func (JobOptionConstructor) Due(t time.Time) JobDue { return JobDue(t) }

// MaxAttempts limits a job's attempts; see [JobMaxAttempts].
func (JobOptionConstructor) MaxAttempts(n int32) JobMaxAttempts { return JobMaxAttempts(n) }

// MaxWorkDuration sets how long a claim lasts; see [JobMaxWorkDuration].
func (JobOptionConstructor) MaxWorkDuration(d time.Duration) JobMaxWorkDuration {
	return JobMaxWorkDuration(d)
}

// Priority sets a job's place among due jobs; see [JobPriority].
func (JobOptionConstructor) Priority(p int16) JobPriority { return JobPriority(p) }
