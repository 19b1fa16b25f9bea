// Package revision finds the base of a jobs.yaml: the revision that a change of
// it is compared with, which is in a commit, in another file, or in jobs.lock.
// It never takes the failure to look at one for its absence.
package revision
