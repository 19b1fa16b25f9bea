package schema

import (
	"fmt"
	"math"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/yaml"
)

// Parse reads src, the content of the file called name. It returns the mistakes
// in it, in the order of the file, and what could be read, which is nil when
// that is nothing. Without mistakes the file is right as far as the language
// goes.
func Parse(name string, src []byte) (*File, diagnostic.List) {
	r := &yaml.Reader{Holding: holding}
	root := r.Parse(src)
	if root == nil {
		r.Mistakes.Sort()
		return nil, r.Mistakes
	}
	b := &builder{Reader: r, file: &File{Name: name}}
	b.parse(root)
	r.Mistakes.Sort()
	return b.file, r.Mistakes
}

// A builder makes a File of what a reader reads.
type builder struct {
	*yaml.Reader
	file     *File
	defaults Job // its options are those of the file's defaults
	queues   names
	perQueue map[string]*Job // the options that a queue sets for its jobs
	unread   bool            // queues are there and cannot be read
	// noDefaults says that defaults were meant and cannot be read.
	noDefaults bool
	types      map[string]*Type
	typeName   names
	last       []func() // checks that take the whole file
	inLock     bool     // it is a jobs.lock that is read
}

// parse takes the sections in the order in which they build on one another,
// which need not be that of the file.
func (b *builder) parse(root ast.Node) {
	sections := make(map[string]yaml.Entry)
	b.file.Keys = make(map[string]diagnostic.Position)
	keep := func(key string) yaml.ReadFunc {
		return func(e yaml.Entry) {
			sections[key] = e
			b.file.Keys[key] = e.Key.At
		}
	}
	known := make(map[string]yaml.ReadFunc)
	for _, key := range []string{"version", "package", "defaults", "queues", "types", "jobs", "accept"} {
		known[key] = keep(key)
	}
	there := b.KeysOr(root, "the file", known, fileWords)
	if there == nil {
		return
	}
	b.noDefaults = there["defaults"] && sections["defaults"].Value == nil
	b.unread = there["queues"] && sections["queues"].Value == nil
	read := func(key string, read yaml.ReadFunc) bool {
		e, ok := sections[key]
		if ok {
			read(e)
		}
		return ok || there[key]
	}
	top := diagnostic.Position{Line: 1, Column: 1}
	if !read("version", b.version) {
		b.Mistakes.Add(top, diagnostic.MissingKey, "the file has no version: begin it with version: %d", Version)
	}
	if !read("package", b.packagePath) {
		b.Mistakes.Add(top, diagnostic.MissingKey, "the file has no package: say which one to generate, as in package: example.com/shop/gen/jobs")
	}
	read("queues", b.readQueues)
	read("defaults", b.readDefaults)
	read("types", b.readTypes)
	if !read("jobs", b.readJobs) {
		b.Mistakes.Add(top, diagnostic.MissingKey, "the file has no jobs")
	}
	read("accept", b.readAccepted)
	b.finish()
}

// finish makes the checks that take the whole file.
func (b *builder) finish() {
	for _, check := range b.last {
		check()
	}
	b.findEndless()
}

func (b *builder) version(e yaml.Entry) {
	n, ok := e.Value.(*ast.IntegerNode)
	if !ok {
		b.WrongKind(e.Value, "version", "a number")
		return
	}
	if v := n.GetToken().Value; v != fmt.Sprint(Version) {
		b.Mistakes.Add(yaml.Start(n), diagnostic.BadVersion, "version %s is not supported: this jobgen reads version %d", v, Version)
	}
}

func (b *builder) packagePath(e yaml.Entry) {
	b.file.Package, _ = b.Text(e.Value, "package")
}

func (b *builder) readQueues(e yaml.Entry) {
	entries, ok := b.Mapping(e.Value, "queues")
	b.unread = !ok
	for _, e := range entries {
		b.queues.add(e.Key.Value)
		b.file.Queues = append(b.file.Queues, &Queue{Name: e.Key, Doc: e.Doc})
		if why := badQueue(e.Key.Value); why != "" {
			b.Mistakes.Add(e.Key.At, diagnostic.BadName, "invalid queue name %q: %s", e.Key.Value, why)
		}
		b.readQueueOptions(e)
	}
}

// readQueue reads the queue of a job or of the defaults.
func (b *builder) readQueue(job *Job, e yaml.Entry, what string) {
	name, ok := b.Text(e.Value, "the queue of "+what)
	if !ok {
		return
	}
	job.Queue = Option[string]{Value: name.Value, At: name.At}
	if !b.queues.has(name.Value) && !b.unread {
		b.Mistakes.Add(name.At, diagnostic.UnknownQueue, "queue %q is not declared under queues%s",
			name.Value, b.Suggest.Suggest(name.Value, b.queues.list))
	}
}

func (b *builder) readDefaults(e yaml.Entry) {
	d := &b.defaults
	b.KeysOr(e.Value, "defaults", b.readOptions(d, InDefaults, "defaults"), defaultWords)
	d.Queue.Inherited = true
}

func (b *builder) readJobs(e yaml.Entry) {
	entries, ok := b.Mapping(e.Value, "jobs")
	if ok && len(entries) == 0 {
		b.Mistakes.Add(e.Key.At, diagnostic.NoJobs, "the file declares no job: add one, as in email: {queue: emails, payload: {to: string}}")
	}
	for _, e := range b.inside(entries, "job", jobKeys) {
		b.readJob(e)
	}
}

func (b *builder) readJob(e yaml.Entry) {
	what := fmt.Sprintf("job %q", e.Key.Value)
	b.checkName(e.Key, what, dottedName)
	job := &Job{
		Type: e.Key, Doc: e.Doc,
		Queue: b.defaults.Queue,
	}
	b.file.Jobs = append(b.file.Jobs, job)
	known := b.readOptions(job, OnJob, what)
	known["payload"] = func(e yaml.Entry) { job.Payload = b.fields(e.Value, "the payload of "+what) }
	known["reserved"] = func(e yaml.Entry) { job.Reserved = b.reserved(e.Value, what) }
	known["version"] = func(e yaml.Entry) {
		if n, ok := b.integer(e, diagnostic.BadPayloadVersion, 1, math.MaxInt16, "the version of "+what, ""); ok {
			job.Version = Option[int16]{Value: int16(n), At: yaml.Start(e.Value)}
		}
	}
	there := b.KeysOr(e.Value, what, known, jobWords)
	if queue := b.perQueue[job.Queue.Value]; queue != nil && job.Queue.IsSet() {
		job.inherit(queue.Options, true)
	}
	job.inherit(b.defaults.Options, false)
	if there == nil {
		return
	}
	if !there["queue"] && !job.Queue.IsSet() && !b.noDefaults {
		b.Mistakes.Add(e.Key.At, diagnostic.MissingKey, "%s has no queue: add queue: with one of those under queues", what)
	}
	b.checkStored(job.Payload, job.Reserved, what)
}
