package runtime

import "github.com/jobgen/jobgen/runtime/driver"

// What back ends that have not moved to package driver yet still call.
const (
	MaxNameSize   = driver.MaxNameSize
	MaxReasonSize = driver.MaxReasonSize
)

func CheckName(what, name string) error { return driver.CheckName(what, name) }

func CleanReason(reason string) string { return driver.CleanReason(reason) }

func CutLog(log []byte) []byte { return driver.CutLog(log, 0) }

func CheckBatch(jobs int) error { return driver.CheckBatch(jobs) }
