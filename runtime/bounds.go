package runtime

import "github.com/jobgen/jobgen/runtime/driver"

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload (within a [*PayloadError]), the name of a queue,
// handler or job type, or a batch.
type TooLargeError = driver.TooLargeError

// MaxPayloadSize is how many bytes a payload may have as JSON, unless
// [Catalogue.WithMaxPayloadSize] says otherwise. Package driver has the other
// bounds: of batches, names, logs and reasons.
const MaxPayloadSize = driver.MaxPayloadSize
