package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/bwmarrin/snowflake"
)

// Encode returns the job as a JSON object with the keys id (a string, as
// snowflakes are), type, data, created, due, max_work_duration (Go's duration
// text), attempts_made, attempts_remaining, priority and payload_version, and
// handler_id and attempt_number while it is claimed. The attempt's log is not
// part of it.
func (j *Job) Encode() ([]byte, error) {
	type encoded struct {
		ID                snowflake.ID    `json:"id"`
		Type              JobType         `json:"type"`
		Data              json.RawMessage `json:"data"`
		Created           time.Time       `json:"created"`
		Due               time.Time       `json:"due"`
		MaxWorkDuration   string          `json:"max_work_duration"`
		AttemptsMade      int32           `json:"attempts_made"`
		AttemptsRemaining int32           `json:"attempts_remaining"`
		Priority          int16           `json:"priority"`
		PayloadVersion    int16           `json:"payload_version"`
		HandlerID         *string         `json:"handler_id,omitempty"`
		AttemptNumber     *int32          `json:"attempt_number,omitempty"`
	}
	e := encoded{
		ID: j.ID, Type: j.Type, Data: j.Data, Created: j.Created.UTC(), Due: j.Due.UTC(), // an offset with seconds would be cut
		MaxWorkDuration: j.MaxWorkDuration.String(),
		AttemptsMade:    j.AttemptsMade, AttemptsRemaining: j.AttemptsRemaining,
		Priority: j.Priority, PayloadVersion: j.PayloadVersion,
	}
	if j.JobClaim != nil {
		e.HandlerID, e.AttemptNumber = &j.HandlerID, &j.AttemptNumber
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode job %d: %w", j.ID, err)
	}
	return b, nil
}

// MarshalJSON is Encode, so that a job inside another value encodes alike.
func (j *Job) MarshalJSON() ([]byte, error) { return j.Encode() }

// Payload returns a pointer to the decoded payload struct of the job's type,
// an *EmailJob for a job of type "email". It returns [ErrInvalidJobType] for a
// type that the job's store was not opened with and a [*PayloadError] for data
// that does not decode. A payload of a previous version is upgraded; where its
// upgrade is given to [Mux.Handle], only the job that a handler gets has it. A job
// that was made by hand is read as its claim's queue reads it.
func (j *Job) Payload() (any, error) {
	source := j.payloads
	if source == nil && j.JobClaim != nil {
		if queue, ok := j.Queue.(interface{ payloads() payloads }); ok {
			source = queue.payloads()
		}
	}
	if source == nil {
		return nil, fmt.Errorf("payload of job %d: %w: the job comes from no store", j.ID, ErrInvalidJobType)
	}
	p, err := source.decode(context.Background(), j.Type, j.PayloadVersion, j.Data)
	if err != nil {
		return nil, fmt.Errorf("payload of job %d: %w", j.ID, err)
	}
	return p, nil
}

// String names the job by type, id and, while claimed, attempt. It never
// includes the payload.
func (j *Job) String() string {
	if j.JobClaim == nil {
		return fmt.Sprintf("%s job %d", j.Type, j.ID)
	}
	return fmt.Sprintf("%s job %d attempt %d", j.Type, j.ID, j.AttemptNumber)
}

// LogValue makes a logged job the group of its id and type, never its payload.
func (j *Job) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", int64(j.ID)), slog.String("type", string(j.Type)))
}
