package runtime

import "github.com/jobgen/jobgen/runtime/driver"

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload (within a [*PayloadError]), the name of a queue,
// handler or job type, or a batch.
type TooLargeError = driver.TooLargeError
