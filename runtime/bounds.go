package runtime

import (
	"fmt"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload (within a [*PayloadError]), the name of a queue,
// handler or job type, or a batch.
type TooLargeError = driver.TooLargeError

// MaxPayloadSize is how many bytes a payload may have as JSON, unless
// [Catalogue.WithMaxPayloadSize] says otherwise. Package driver has the other
// bounds: of batches, names, logs and reasons.
const MaxPayloadSize = driver.MaxPayloadSize

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
