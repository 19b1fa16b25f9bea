package runtime

import (
	"fmt"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload (within a [*PayloadError]), the name of a queue,
// handler or job type, or a batch.
type TooLargeError = driver.TooLargeError

// Bounds that users meet.
const (
	// MaxPayloadSize is how many bytes a payload may have as JSON, unless
	// [Catalogue.WithMaxPayloadSize] says otherwise.
	MaxPayloadSize = driver.MaxPayloadSize
	// MaxBatchSize is how many jobs one batch may have.
	MaxBatchSize = driver.MaxBatchSize
	// MaxLogSize is how many bytes of an attempt's log are kept, half from its
	// beginning and half from its end; a line between them says how much was cut.
	MaxLogSize = driver.MaxLogSize
	// MaxPriority is the last priority a job can have; 0, the default, is claimed
	// first.
	MaxPriority = driver.MaxPriority
)

// WithMaxPayloadSize returns the catalogue with another bound than
// [MaxPayloadSize] on what payloads may have as JSON, from 1 byte to 16 MiB. It
// binds whoever adds jobs through a store that was opened with it; jobs that are
// there are worked whatever their size.
func (c *Catalogue) WithMaxPayloadSize(bytes int) *Catalogue {
	bounded := JoinCatalogues(c)
	bounded.maxPayload = bytes
	if bytes < 1 || bytes > driver.MaxPayloadBound {
		bounded.fail(fmt.Errorf("catalogue: a maximum of %d bytes a payload is outside 1 to %d", bytes, driver.MaxPayloadBound))
	}
	return bounded
}
