package lock

import (
	"slices"

	"github.com/jobgen/jobgen/internal/schema"
)

// A Pruned is what Prune has done with one version of a job's payload, or with
// a job that was removed.
type Pruned struct {
	Job     string
	Version int16
	Removed bool // the job was removed from jobs.yaml
	Dropped bool
	Waiting int64 // jobs of it that are not finished
	Dead    int64 // jobs of it that are dead
	// Before says that it is kept since the upgrade from an earlier one, which
	// jobs wait for, goes through it.
	Before bool
}

// Prune returns old without the previous versions, and the removed jobs, of
// which counts shows no job that waits, and what became of each. It leaves the
// newest version of each job that is declared, and does not change old.
func Prune(old *schema.Lock, counts func(job string, version int16) (waiting, dead int64)) (*schema.Lock, []Pruned) {
	pruned := *old
	pruned.Jobs = nil
	var all []Pruned
	for _, job := range old.Jobs {
		kept := *job
		kept.Versions = nil
		for i, v := range job.Versions {
			if i == len(job.Versions)-1 && (!job.Removed || len(kept.Versions) > 0) {
				kept.Versions = append(kept.Versions, v)
				continue
			}
			p := Pruned{Job: job.Type.Value, Version: v.Version, Removed: job.Removed, Before: len(kept.Versions) > 0}
			p.Waiting, p.Dead = counts(p.Job, p.Version)
			p.Dropped = p.Waiting == 0 && !p.Before
			if !p.Dropped {
				kept.Versions = append(kept.Versions, v)
			}
			all = append(all, p)
		}
		if len(kept.Versions) > 0 {
			pruned.Jobs = append(pruned.Jobs, &kept)
		}
	}
	pruned.Jobs = slices.Clip(pruned.Jobs)
	return &pruned, all
}
