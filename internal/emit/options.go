package emit

import (
	"fmt"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// An optionCode is how Go sets an option: by a method of runtime.JobOptions.
type optionCode struct {
	method string
	unset  any // the value that no call says; nil for none
}

// optionCodes has a row for each option in the table of package schema.
var optionCodes = map[string]optionCode{
	"max_attempts":      {method: "MaxAttempts", unset: int64(0)}, // unlimited
	"max_work_duration": {method: "MaxWorkDuration"},
	"priority":          {method: "Priority"},
}

// checkOptions returns an error for an option that no Go is known for.
func checkOptions(job *gotypes.Job) error {
	for _, o := range job.Options {
		if _, ok := optionCodes[o.Name]; !ok {
			return fmt.Errorf("option %s: no method of runtime.JobOptions sets it", o.Name)
		}
	}
	return nil
}

// options returns the calls that make a job's options.
func options(job *gotypes.Job) []jen.Code {
	var calls []jen.Code
	for _, o := range job.Options {
		code := optionCodes[o.Name]
		if code.unset == o.Value {
			continue
		}
		var value *jen.Statement
		switch v := o.Value.(type) {
		case time.Duration:
			value = duration(v)
		case int64:
			value = jen.Lit(int(v)) // without its type
		default:
			value = jen.Lit(v)
		}
		calls = append(calls, jen.Qual(runtimePath, "JobOptions").Dot(code.method).Call(value))
	}
	return calls
}
