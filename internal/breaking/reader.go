package breaking

import (
	"fmt"

	"github.com/jobgen/jobgen/internal/schema"
)

// A Reader is what the program of a file understands of a database.
type Reader struct {
	fields map[reading][]*schema.Field
	jobs   map[string]bool
	queues map[string]bool
}

type reading struct {
	job     string
	version int16
}

// NewReader returns what the program of a file understands, which has its lock.
func NewReader(file *schema.File) *Reader {
	r := &Reader{fields: make(map[reading][]*schema.Field), jobs: make(map[string]bool), queues: make(map[string]bool)}
	for _, job := range file.Jobs {
		name := job.Type.Value
		r.jobs[name], r.queues[job.Queue.Value] = true, true
		locked := file.Lock.Job(name)
		if locked == nil {
			r.fields[reading{name, 1}] = job.Payload
			continue
		}
		fields := job.Payload
		for i := len(locked.Versions) - 1; i >= 0; i-- {
			v := locked.Versions[i]
			if i < len(locked.Versions)-1 && !v.Read {
				fields = v.Fields
			}
			r.fields[reading{name, v.Version}] = fields
		}
	}
	return r
}

// Fields returns what payloads of a job's version are read as, and why none
// are, which is "" where they are.
func (r *Reader) Fields(job string, version int16, queue string) ([]*schema.Field, string) {
	fields, ok := r.fields[reading{job, version}]
	switch {
	case !r.jobs[job]:
		return nil, "no job of that name is declared"
	case !ok:
		return nil, fmt.Sprintf("version %d is not in the lock", version)
	case !r.queues[queue]:
		return fields, fmt.Sprintf("no job is on the queue %q", queue)
	}
	return fields, ""
}
