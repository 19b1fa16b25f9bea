package breaking

import (
	"cmp"
	"slices"
)

// parties has, for each rule about payloads, the callers that a change breaks.
// Whether it breaks waiting jobs and running binaries depends on which version
// reads which.
var parties = map[*Rule][]Party{
	FieldRemoved:      {GoCallers},
	FieldAdded:        {GoCallers, SQLCallers},
	FieldTypeChanged:  {GoCallers, SQLCallers},
	FieldTypeWidened:  {GoCallers},
	FieldMadeRequired: {GoCallers, SQLCallers},
	FieldMadeOptional: {GoCallers},
	DefaultChanged:    {SQLCallers},
	EnumValueRemoved:  {GoCallers, SQLCallers},
	EnumValueAdded:    nil,
	KeyReused:         {SQLCallers},
}

// Of returns the finding about a change of a payload, in which upgraded says
// that jobs that wait are brought to the new payload by an upgrade.
func (c Change) Of(job string, upgraded bool) Finding {
	f := Finding{Rule: c.Rule, Delta: c.Delta.in(job), At: c.At, Was: c.Was, Job: job, Message: c.Message, Do: cmp.Or(c.Do, c.Rule.Do), Level: Source}
	others := parties[c.Rule]
	if !c.ReadBack {
		f.Breaks = append(f.Breaks, RunningBinaries)
		f.Level = Wire
	}
	if slices.Contains(others, SQLCallers) {
		f.Level = Wire
	}
	if !c.Reads && upgraded {
		f.Do = "change what enqueues the job, in SQL too"
	}
	if (!c.Reads || c.Rule == DefaultChanged) && !upgraded {
		f.Breaks = append([]Party{WaitingJobs}, f.Breaks...)
		f.Level = Rows
	}
	f.Breaks = append(f.Breaks, others...)
	return f
}
