package driver

import (
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"
)

// A TypeVersion is a job type at one version of its payload. A program
// understands some and not others: a worker claims those alone, so that old and
// new programs can work one queue side by side.
type TypeVersion struct {
	Type    string
	Version int16 // counted from 1
}

// String is "email" for version 1 and "email v2" for version 2.
func (v TypeVersion) String() string {
	if v.Version == 1 {
		return v.Type
	}
	return fmt.Sprintf("%s v%d", v.Type, v.Version)
}

// A KnownType is a job type that a program's catalogue describes. A store that
// is opened learns them all.
type KnownType struct {
	TypeVersion
	// Queue is where the program adds jobs of the type.
	Queue string
	// Fields describes the payload: see [Fields].
	Fields Fields
}

// Options are what the jobs of a batch have in common. An option of a job is a
// field here.
type Options struct {
	// Due is when the jobs become claimable, in UTC and whole microseconds; the
	// zero time is the time at which the store adds them.
	Due time.Time
	// MaxAttempts is how often each job may be claimed, at least 1;
	// math.MaxInt32 is unlimited.
	MaxAttempts int32
	// MaxWork is how long a claim lasts, in whole microseconds; zero means that
	// another handler may take the job over at once.
	MaxWork time.Duration
	// Priority is from 0, claimed first, to [MaxPriority].
	Priority int16
}

// A Batch is jobs of one type that are added together.
type Batch struct {
	Type    TypeVersion
	Options Options
	// Len is how many jobs there are, at least 1.
	Len int
	// Payload appends the JSON of job i to dst. On an error it returns dst, and
	// nothing may be stored. A back end calls it for each job in order, from one
	// goroutine at a time, and not after Add has returned; a transaction that is
	// repeated may call it for the same jobs again. It calls methods that the user
	// has written, which may end the goroutine, and whose errors may have methods
	// that do: a back end asks such an error nothing.
	Payload func(dst []byte, i int) ([]byte, error)
	// Handler holds the jobs' first attempts from the start, whatever their Due;
	// empty where they wait to be claimed. Len is 1 where it is set.
	Handler string
}

// Added is what [Queue.Add] did.
type Added struct {
	// IDs are the new jobs' ids, in order.
	IDs []snowflake.ID
	// Claimed is the job as claimed, where the batch has a Handler.
	Claimed []Row
}

// A Row is a job as it is stored.
type Row struct {
	ID      snowflake.ID
	Type    TypeVersion
	Payload []byte // JSON; the receiver may keep it
	// Created and Due are the store's time, in UTC.
	Created, Due time.Time
	// MaxWork is how long a claim lasts.
	MaxWork time.Duration
	// Attempts is how many attempts have begun. The current attempt of a claimed
	// job is number Attempts-1.
	Attempts    int32
	MaxAttempts int32
	Priority    int16
}

// A JobState says what has become of a job so far.
type JobState string

// The states of jobs.
const (
	// JobWaiting says that nobody has claimed the job, due or not, or that the
	// claim on it has expired.
	JobWaiting JobState = "waiting"
	// JobClaimed says that a handler has the job.
	JobClaimed JobState = "claimed"
	// JobDone says that an attempt has completed the job.
	JobDone JobState = "done"
	// JobCancelled says that the job was cancelled.
	JobCancelled JobState = "cancelled"
	// JobDead says that the job has failed for good, and may be revived.
	JobDead JobState = "dead"
)

// Found is a job, wherever it is.
type Found struct {
	// Row is the job. Of a job that is done, and whose payload was not kept, it
	// has ID, Type and Attempts alone.
	Row
	Queue string
	State JobState
	// Handler holds the claim, where State is JobClaimed.
	Handler string
	// Ended is when the job was done or cancelled, or died; the zero time before.
	// It is the store's time, in UTC.
	Ended time.Time
}

// ClaimFrom says among which jobs [Queue.Claim] chooses.
type ClaimFrom uint8

// What a claim may take.
const (
	// FromAll takes waiting jobs and, now and then, claims of others that are
	// over, and does the upkeep that belongs to those. What other transactions
	// committed out of order it may find with a later call, within seconds. The
	// handler lives and dies with this process: once the process is known to be
	// dead, others may take its claims over before they expire.
	FromAll ClaimFrom = iota
	// FromWaiting takes the first waiting job, exactly.
	FromWaiting
	// FromExpired takes the first claim of another handler that is over, exactly.
	FromExpired
)

// A ClaimRequest says what [Queue.Claim] may take.
type ClaimRequest struct {
	// Handler will hold the claims.
	Handler string
	// From says among which jobs to choose.
	From ClaimFrom
	// Types are what the handler understands. Nil is every type; other types, and
	// other versions of their payloads, are left.
	Types []TypeVersion
	// Limit is the most jobs to take, at least 1, and 1 unless From is FromAll.
	Limit int
	// LowestFirst takes the lowest priority first instead of the highest.
	LowestFirst bool
	// Finish are outcomes of Handler's attempts, none of them [Released], that
	// are written first. It may be empty.
	Finish []Outcome
}

// Claimed is what [Queue.Claim] did.
type Claimed struct {
	// Rows are the claimed jobs in claim order: by priority, Due and ID, where the
	// priorities may stand the other way round after a claim with LowestFirst. Fewer
	// than the limit means that nothing more is claimable at the moment.
	Rows []Row
	// NextDue is how long until another job becomes due, or a claim expires, as
	// far as the store knows; 0 when it does not.
	NextDue time.Duration
	// Finished is what became of the request's outcomes, in their order. With an
	// error it is nil where it is not known whether they were written; they may be
	// given to Finish again.
	Finished []Result
	// Buried are the jobs that have died since the claim on their last attempt is
	// over, and that this call has found. It is empty unless From is FromAll.
	Buried []Burial
}

// A Burial is a job that has died although its handler reported nothing.
type Burial struct {
	// Attempt is the job's last one.
	Attempt
	Type TypeVersion
	// Handler held the claim; empty where that is not known.
	Handler string
	// Reason is that of the attempt's log.
	Reason string
}

// An OutcomeKind says how an attempt ended.
type OutcomeKind uint8

// The kinds of outcomes.
const (
	// Completed finishes the job.
	Completed OutcomeKind = iota
	// Failed makes the job due again, or dead where no attempts are left or the
	// outcome is Final.
	Failed
	// Released makes the job claimable again at once under the same attempt
	// number, as if it had never been claimed. Where the handler no longer holds
	// the attempt it changes nothing, and is [Done] all the same.
	Released
)

// An Attempt names one attempt of a job.
type Attempt struct {
	Job    snowflake.ID
	Number int32 // counted from 0
}

// An Outcome is how one attempt ended.
type Outcome struct {
	Attempt
	Kind OutcomeKind
	// Reason is why a Failed attempt failed.
	Reason string
	// RetryIn is how long after a failure the job becomes due again.
	RetryIn time.Duration
	// Final says of a failure that another attempt would end the same way: the job
	// is dead at once, and what attempts it had left are gone.
	Final bool
	// Log is what the handler wrote; nil is an empty log.
	Log []byte
}

// A Status is what became of a request about one job.
type Status uint8

// The states of a request.
const (
	// Done says that it was done, or had been done before.
	Done Status = iota
	// NotFound says that there is no such job.
	NotFound
	// NotHeld says that the handler never made that attempt.
	NotHeld
	// AlreadyFailed says that the attempt that is to complete has failed.
	AlreadyFailed
	// AlreadyEnded says that the attempt that is to fail has ended, and stays as
	// it is.
	AlreadyEnded
	// ClaimLost says that another handler has taken the claim over. The failure
	// was recorded, and nothing else changed.
	ClaimLost
	// Superseded says that another attempt has completed the job.
	Superseded
)

// A Result is what became of one outcome.
type Result struct {
	Status Status
	// By is the number of the attempt that completed the job, where Status is
	// Superseded.
	By int32
	// Recorded says of a failure, where Status is Done, that the job had been
	// cancelled, or completed by another attempt: the failure was recorded, and the
	// job stays as it was. Of other outcomes it is false.
	Recorded bool
}

// A Lost is an attempt whose claim its handler no longer holds.
type Lost struct {
	Attempt
	// Cancelled says that the job was cancelled, or completed by another attempt;
	// otherwise another handler has taken the claim over.
	Cancelled bool
}

// A StatsRequest says what [Queue.Stats] counts.
type StatsRequest struct {
	// ByType counts each type and version by itself, too.
	ByType bool
	// Limit is how many jobs ByType counts at most, in claim order; 0 counts all.
	Limit int64
}

// Counts counts unfinished jobs. Waiting + Claimed is all of them.
type Counts struct {
	// Waiting counts jobs that are not under an unexpired claim, due or not.
	Waiting int64
	// Due counts jobs whose Due has passed, waiting or claimed.
	Due int64
	// Claimed counts jobs under an unexpired claim.
	Claimed int64
}

// Stats is what [Queue.Stats] counted.
type Stats struct {
	Counts
	// More says that there are more jobs than the limit.
	More bool
	// ByType are the counts of each type and version that was met, in order;
	// nil unless asked for.
	ByType []TypeCounts
}

// TypeCounts counts the jobs of one type and version.
type TypeCounts struct {
	TypeVersion
	Counts
}

// A Log is what one attempt left behind.
type Log struct {
	Handler string
	// Success says that the attempt completed and that its success counted.
	Success bool
	// Reason is why it failed, or how it ended without its handler.
	Reason string
	Text   []byte
}

// A TypeConflictError says that this program and another one mean different
// payloads by one version of a job type. Give the changed payload a new version;
// give one of two unrelated job types another name, or keep them in different
// schemas.
type TypeConflictError struct {
	// Type and Version are what both programs use.
	Type    string
	Version int16
	// Reason is the first difference, "here" being this program.
	Reason string
}

func (e *TypeConflictError) Error() string {
	return fmt.Sprintf("job type %q version %d means another payload to another program: %s; give the payload a new version, or the job type another name",
		e.Type, e.Version, e.Reason)
}
