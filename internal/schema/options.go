package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/jobgen/jobgen/internal/yaml"
)

// An OptionType is one row of the table of options. Whatever reads, writes,
// explains or compares options loops over the table.
type OptionType struct {
	Name  string
	Doc   string // a sentence or two, for JSON Schema
	In    Places // that can set it
	Value ValueKind
	// Default is the value that holds where the file says nothing.
	Default any
	// Added is the value of a job that Queue.Add is given without the option.
	// Generated code sets the option where Default is another.
	Added any
	// Lowered describes what a lower value breaks; nil for nothing.
	Lowered *Lowered
}

// Lowered is the rule of jobgen breaking about an option that is lowered.
type Lowered struct {
	Name        string // "max-attempts-lowered"
	Meaning, Do string
	Old, New    string // values as a file writes them, between which the rule is broken
}

// Places are the parts of a file that can set an option.
type Places int

// The parts.
const (
	OnJob Places = 1 << iota
	OnQueue
	InDefaults

	Everywhere = OnJob | OnQueue | InDefaults
)

// maxPriority is driver.MaxPriority.
const maxPriority = 9

// Unlimited is the max_attempts of a job whose attempts have no limit.
const Unlimited = int64(0)

// DefaultMaxAttempts is the max_attempts of a job of which the file says
// nothing, so that none is tried for good because nobody thought of it.
const DefaultMaxAttempts = int64(25)

// DefaultMaxWorkDuration is what the runtime takes where the file says nothing.
const DefaultMaxWorkDuration = time.Minute

var optionTypes = []*OptionType{
	{
		Name:  "max_attempts",
		Doc:   "How often a job is tried, the first time included. " + strconv.FormatInt(DefaultMaxAttempts, 10) + " unless set.",
		In:    Everywhere,
		Value: Whole{Low: 1, High: math.MaxInt32, Word: "unlimited", WordValue: Unlimited}, Default: DefaultMaxAttempts, Added: Unlimited,
		Lowered: &Lowered{
			Name:    "max-attempts-lowered",
			Meaning: "New jobs are dead after fewer failures. Those that wait keep the number that they were enqueued with.",
			Do:      "see that what enqueues the job can do with fewer attempts",
			Old:     "5", New: "3",
		},
	},
	{
		Name:  "max_work_duration",
		Doc:   "How long one attempt may take, such as 30s, 1m30s or 2h. " + DefaultMaxWorkDuration.String() + " unless set.",
		In:    Everywhere,
		Value: Duration{}, Default: DefaultMaxWorkDuration, Added: DefaultMaxWorkDuration,
		Lowered: &Lowered{
			Name:    "max-work-duration-lowered",
			Meaning: "The handler has less time for a new job, and another worker takes it over sooner. Those that wait keep the time that they were enqueued with.",
			Do:      "see that the handler is done in that time",
			Old:     "1h", New: "1m",
		},
	},
	{
		Name:  "priority",
		Doc:   "Of the jobs that are due, those with the lowest number are claimed first. 0 unless set.",
		In:    Everywhere,
		Value: Whole{Low: 0, High: maxPriority}, Default: int64(0), Added: int64(0),
	},
}

// Options returns the table in the order of the reference.
func Options() []*OptionType { return optionTypes }

// A JobOption is the value that an option has for one job.
type JobOption struct {
	Type *OptionType
	Option[any]
}

// String returns the value as a person reads it.
func (o JobOption) String() string { return o.Type.Value.String(o.Value) }

// Option returns the option of that name, of which the table has to know.
func (j *Job) Option(name string) JobOption {
	i := slices.IndexFunc(j.Options, func(o JobOption) bool { return o.Type.Name == name })
	return j.Options[i]
}

// defaultOptions are those of a job that sets none, in the order of the table.
func defaultOptions() []JobOption {
	options := make([]JobOption, len(optionTypes))
	for i, t := range optionTypes {
		options[i] = JobOption{Type: t, Option: Option[any]{Value: t.Default}}
	}
	return options
}

// readOptions returns what reads the options of job in a part of the file, which
// calls it what.
func (b *builder) readOptions(job *Job, in Places, what string) map[string]yaml.ReadFunc {
	job.Options = defaultOptions()
	known := make(map[string]yaml.ReadFunc)
	for i, t := range optionTypes {
		if t.In&in == 0 {
			continue
		}
		known[t.Name] = func(e yaml.Entry) {
			if v, ok := t.Value.read(b, e); ok {
				job.Options[i].Option = Option[any]{Value: v, At: yaml.Start(e.Value)}
			}
		}
	}
	if in&OnQueue == 0 {
		known["queue"] = func(e yaml.Entry) { b.readQueue(job, e, what) }
	}
	return known
}

// inherit gives job the options of from, its queue or the defaults, that are not
// set yet.
func (j *Job) inherit(from []JobOption, ofQueue bool) {
	for i, o := range from {
		if own := &j.Options[i]; o.IsSet() && !own.IsSet() {
			own.Option = o.Option
			own.Inherited, own.OfQueue = true, ofQueue
		}
	}
}

// readQueueOptions reads what a queue sets for its jobs: every option but the
// queue itself.
func (b *builder) readQueueOptions(e yaml.Entry) {
	what := fmt.Sprintf("queue %q", e.Key.Value)
	job := &Job{}
	b.KeysOr(e.Value, what, b.readOptions(job, OnQueue, what), queueWords)
	if b.perQueue == nil {
		b.perQueue = make(map[string]*Job)
	}
	b.perQueue[e.Key.Value] = job
}
