package runtime

import (
	"fmt"

	"github.com/jobgen/jobgen/runtime/codec"
)

// A LimitError says that something is larger than it may be, and nothing was
// written: a payload (within a [*PayloadError]), the name of a queue, handler
// or job type, or a batch. Logs and the reasons of failures are cut instead,
// with a mark, since an outcome is never lost for the sake of its text.
type LimitError struct {
	// What is too large, such as "the payload as JSON".
	What string
	// Size is how large it is, and Limit how large it may be, in Unit.
	Size, Limit int
	// Unit is what Size and Limit count, such as "bytes".
	Unit string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s has %d %s, more than the %d that it may have", e.What, e.Size, e.Unit, e.Limit)
}

// Limits of payloads and batches.
const (
	// MaxPayloadSize is how many bytes a payload may have as JSON, unless
	// [Catalogue.WithMaxPayloadSize] says otherwise.
	MaxPayloadSize = 1 << 20
	// MaxPayloadLimit is the most that [Catalogue.WithMaxPayloadSize] takes. A
	// queue is no place for files: keep those elsewhere, and their names in
	// the payload.
	MaxPayloadLimit = codec.MaxSize
	// MaxBatchSize is how many jobs one batch may have.
	MaxBatchSize = 1_000_000
)

// CheckBatch returns a [*LimitError] for a batch of more than [MaxBatchSize]
// jobs. Back ends call it before they make any.
func CheckBatch(jobs int) error {
	if jobs > MaxBatchSize {
		return &LimitError{What: "the batch", Size: jobs, Limit: MaxBatchSize, Unit: "jobs"}
	}
	return nil
}

// WithMaxPayloadSize returns the catalogue with another limit than
// [MaxPayloadSize] on what payloads may have as JSON, from 1 byte to
// [MaxPayloadLimit]. It binds whoever adds jobs through a store that was opened
// with it; jobs that are there are worked whatever their size.
func (c *Catalogue) WithMaxPayloadSize(bytes int) *Catalogue {
	limited := JoinCatalogues(c)
	limited.maxPayload = bytes
	if bytes < 1 || bytes > MaxPayloadLimit {
		limited.fail(fmt.Errorf("catalogue: a limit of %d bytes a payload is outside 1 to %d", bytes, MaxPayloadLimit))
	}
	return limited
}
