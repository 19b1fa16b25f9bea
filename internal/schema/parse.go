package schema

import (
	"fmt"
	"math"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// Parse reads src, the content of the file called name. It returns the mistakes
// in it, in the order of the file, and what could be read, which is nil when
// that is nothing. Without mistakes the file is right as far as the language
// goes.
func Parse(name string, src []byte) (*File, diagnostic.List) {
	r := &reader{}
	root := r.parse(src)
	if root == nil {
		r.mistakes.Sort()
		return nil, r.mistakes
	}
	b := &builder{reader: r, file: &File{Name: name}}
	b.parse(root)
	r.mistakes.Sort()
	return b.file, r.mistakes
}

// A builder makes a File of what a reader reads.
type builder struct {
	*reader
	file     *File
	defaults Job // its options are those of the file's defaults
	queues   names
	perQueue map[string]*Job // the options that a queue sets for its jobs
	unread   bool            // queues are there and cannot be read
	types    map[string]*Type
	typeName names
	last     []func() // what can be judged when all has been read
	inLock   bool     // it is a jobs.lock that is read
}

// parse takes the sections in the order in which they build on one another,
// which need not be that of the file.
func (b *builder) parse(root ast.Node) {
	sections := make(map[string]entry)
	b.file.Keys = make(map[string]diagnostic.Position)
	keep := func(e entry) {
		sections[e.key.Value] = e
		b.file.Keys[e.key.Value] = e.key.At
	}
	known := make(map[string]readFunc)
	for _, key := range []string{"version", "package", "defaults", "queues", "types", "jobs"} {
		known[key] = keep
	}
	if b.keys(root, "the file", known) == nil {
		return
	}
	read := func(key string, read readFunc) bool {
		e, ok := sections[key]
		if ok {
			read(e)
		}
		return ok
	}
	top := diagnostic.Position{Line: 1, Column: 1}
	if !read("version", b.version) {
		b.mistakes.Add(top, diagnostic.MissingKey, "the file has no version: begin it with version: %d", Version)
	}
	if !read("package", b.packagePath) {
		b.mistakes.Add(top, diagnostic.MissingKey, "the file has no package: say which one to generate, as in package: example.com/shop/gen/jobs")
	}
	read("queues", b.readQueues)
	read("defaults", b.readDefaults)
	read("types", b.readTypes)
	if !read("jobs", b.readJobs) {
		b.mistakes.Add(top, diagnostic.MissingKey, "the file has no jobs")
	}
	b.finish()
}

// finish judges what takes the whole file.
func (b *builder) finish() {
	for _, judge := range b.last {
		judge()
	}
	b.findEndless()
}

func (b *builder) version(e entry) {
	n, ok := e.value.(*ast.IntegerNode)
	if !ok {
		b.wrongKind(e.value, "version", "a number")
		return
	}
	if v := n.GetToken().Value; v != fmt.Sprint(Version) {
		b.mistakes.Add(start(n), diagnostic.BadVersion, "version %s is none that this jobgen reads: it reads version %d", v, Version)
	}
}

func (b *builder) packagePath(e entry) {
	b.file.Package, _ = b.text(e.value, "package")
}

func (b *builder) readQueues(e entry) {
	entries, ok := b.mapping(e.value, "queues")
	b.unread = !ok
	for _, e := range entries {
		b.queues.add(e.key.Value)
		b.file.Queues = append(b.file.Queues, &Queue{Name: e.key, Doc: e.doc})
		if why := badQueue(e.key.Value); why != "" {
			b.mistakes.Add(e.key.At, diagnostic.BadName, "the queue %q cannot be called so: %s", e.key.Value, why)
		}
		b.readQueueOptions(e)
	}
}

// readQueue reads the queue of a job or of the defaults.
func (b *builder) readQueue(job *Job, e entry, what string) {
	name, ok := b.text(e.value, "the queue of "+what)
	if !ok {
		return
	}
	job.Queue = Option[string]{Value: name.Value, At: name.At}
	if !b.queues.has(name.Value) && !b.unread {
		b.mistakes.Add(name.At, diagnostic.UnknownQueue, "queue %q is not declared under queues%s",
			name.Value, b.suggest.Suggest(name.Value, b.queues.list))
	}
}

func (b *builder) readDefaults(e entry) {
	d := &b.defaults
	b.keys(e.value, "defaults", b.readOptions(d, InDefaults, "defaults"))
	d.Queue.Inherited = true
}

func (b *builder) readJobs(e entry) {
	entries, ok := b.mapping(e.value, "jobs")
	if ok && len(entries) == 0 {
		b.mistakes.Add(e.key.At, diagnostic.NoJobs, "the file declares no job: add one, as in email: {queue: emails, payload: {to: string}}")
	}
	for _, e := range entries {
		b.readJob(e)
	}
}

func (b *builder) readJob(e entry) {
	what := fmt.Sprintf("job %q", e.key.Value)
	b.checkName(e.key, what, dottedName)
	job := &Job{
		Type: e.key, Doc: e.doc,
		Queue: b.defaults.Queue,
	}
	b.file.Jobs = append(b.file.Jobs, job)
	known := b.readOptions(job, OnJob, what)
	known["payload"] = func(e entry) { job.Payload = b.fields(e.value, "the payload of "+what) }
	known["reserved"] = func(e entry) { job.Reserved = b.reserved(e.value, what) }
	known["version"] = func(e entry) {
		if n, ok := b.integer(e, diagnostic.BadPayloadVersion, 1, math.MaxInt16, "the version of "+what, ""); ok {
			job.Version = Option[int16]{Value: int16(n), At: start(e.value)}
		}
	}
	there := b.keys(e.value, what, known)
	if queue := b.perQueue[job.Queue.Value]; queue != nil && job.Queue.IsSet() {
		job.inherit(queue.Options, true)
	}
	job.inherit(b.defaults.Options, false)
	if there == nil {
		return
	}
	if !there["queue"] && !job.Queue.IsSet() {
		b.mistakes.Add(e.key.At, diagnostic.MissingKey, "%s has no queue: add queue: with one of those under queues", what)
	}
	if !there["payload"] {
		b.mistakes.Add(e.key.At, diagnostic.MissingKey, "%s has no payload: add one, payload: {} where it needs no field", what)
	}
	b.checkStored(job.Payload, job.Reserved, what)
}
