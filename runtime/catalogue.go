package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// GeneratedV1 is referred to by generated code. Where it is not defined, the
// runtime is older or newer than the jobgen that made the code: bring both to
// the same version and generate again.
const GeneratedV1 = true

// MaxPayloadSize is how many bytes a payload may have as JSON.
const MaxPayloadSize = 1 << 20

// A Definition describes a job type whose payload is the struct P. Generated
// code makes one per job; it is immutable.
type Definition[P any] struct {
	jobType  JobType
	queue    string
	options  []JobOption
	version  int16
	upgrades map[int16]Upgrade // by the version that each is from
	err      error
}

// Define describes a job type, its queue and the options its jobs have unless
// the caller of Enqueue sets others.
func Define[P any](jobType JobType, queue string, options ...JobOption) *Definition[P] {
	return &Definition[P]{jobType: jobType, queue: queue, options: options, version: 1}
}

// Type returns the job type.
func (d *Definition[P]) Type() JobType { return d.jobType }

// Queue returns the name of the queue that Enqueue adds to.
func (d *Definition[P]) Queue() string { return d.queue }

// JobDefinition is a [Definition] whatever its payload.
type JobDefinition interface {
	Type() JobType
	Queue() string

	check() error
	current() int16
	versions() []TypeVersion
	encode(payload any) ([]byte, error)
	decode(version int16, data []byte) (any, error)
}

func (d *Definition[P]) check() error { return d.err }

func (d *Definition[P]) current() int16 { return d.version }

func (d *Definition[P]) encode(payload any) ([]byte, error) {
	switch p := payload.(type) {
	case P:
		return encodePayload(d.jobType, &p)
	case *P:
		if p != nil {
			return encodePayload(d.jobType, p)
		}
	}
	return nil, fmt.Errorf("%w: job type %q takes a %T, not a %T", ErrInvalidJobType, d.jobType, *new(P), payload)
}

func decodePayload[P any](t JobType, data []byte) (*P, error) {
	p := new(P)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, decodeError(t, err)
	}
	return p, nil
}

// A Catalogue is the set of job types that a program knows. Generated packages
// export one; a store is opened with it. It is immutable.
type Catalogue struct {
	defs map[JobType]JobDefinition
	err  error
}

// NewCatalogue returns the catalogue of defs. A job type defined twice is an
// error, which Err returns and every back end reports when it is opened.
func NewCatalogue(defs ...JobDefinition) *Catalogue {
	c := &Catalogue{defs: make(map[JobType]JobDefinition, len(defs))}
	for _, def := range defs {
		c.add(def)
	}
	return c
}

// JoinCatalogues returns the catalogue of all the job types of several, for a
// store that several generated packages share.
func JoinCatalogues(catalogues ...*Catalogue) *Catalogue {
	joined := NewCatalogue()
	for _, c := range catalogues {
		joined.err = errors.Join(joined.err, c.Err())
		for _, t := range c.Types() {
			joined.add(c.defs[t])
		}
	}
	return joined
}

func (c *Catalogue) add(def JobDefinition) {
	if have, ok := c.defs[def.Type()]; ok && have != def {
		c.err = errors.Join(c.err, fmt.Errorf("catalogue: job type %q is defined twice", def.Type()))
		return
	}
	c.err = errors.Join(c.err, def.check())
	c.defs[def.Type()] = def
}

// Err returns what is wrong with the catalogue, or nil.
func (c *Catalogue) Err() error {
	if c == nil {
		return nil
	}
	return c.err
}

// Types returns the catalogue's job types in order.
func (c *Catalogue) Types() []JobType {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.defs))
}

// Versions returns the catalogue's job types, each at all the versions of its
// payload that the catalogue reads.
func (c *Catalogue) Versions() []TypeVersion {
	var versions []TypeVersion
	for _, t := range c.Types() {
		versions = append(versions, c.defs[t].versions()...)
	}
	return versions
}

func (c *Catalogue) lookup(t JobType) (JobDefinition, error) {
	if c != nil {
		if def, ok := c.defs[t]; ok {
			return def, nil
		}
	}
	return nil, fmt.Errorf("%w: %q is not in the catalogue that the store was opened with", ErrInvalidJobType, t)
}

// NewJob returns a job that is ready to be stored: the payload checked and
// encoded, defaults and options applied, times and durations rounded to the
// microsecond that every store keeps. ID and Created are the back end's to
// set, and Due where it is zero, which means now. Back ends call it for every
// Add, so that all refuse the same.
func (c *Catalogue) NewJob(jobType JobType, payload any, opts ...JobOption) (*Job, error) {
	def, err := c.lookup(jobType)
	if err != nil {
		return nil, err
	}
	job := &Job{
		Type:              jobType,
		MaxWorkDuration:   DefaultMaxWorkDuration,
		AttemptsRemaining: math.MaxInt32,
		PayloadVersion:    def.current(),
		catalogue:         c,
	}
	for _, opt := range opts {
		if err := opt.Apply(job); err != nil {
			return nil, fmt.Errorf("job type %q: %w", jobType, err)
		}
	}
	if !job.Due.IsZero() {
		job.Due = job.Due.UTC().Truncate(time.Microsecond)
	}
	if rest := job.MaxWorkDuration % time.Microsecond; rest > 0 {
		job.MaxWorkDuration -= rest
		if job.MaxWorkDuration == 0 {
			job.MaxWorkDuration = time.Microsecond // zero would mean stealable at once
		}
	}
	if job.Data, err = def.encode(payload); err != nil {
		return nil, err
	}
	return job, nil
}

// NewJobs is NewJob for many payloads that share the type and the options.
// All are checked before any is returned.
func (c *Catalogue) NewJobs(jobType JobType, payloads []any, opts ...JobOption) ([]*Job, error) {
	jobs := make([]*Job, len(payloads))
	for i, payload := range payloads {
		job, err := c.NewJob(jobType, payload, opts...)
		if err != nil {
			return nil, fmt.Errorf("payload %d of %d: %w", i, len(payloads), err)
		}
		jobs[i] = job
	}
	return jobs, nil
}

// Bind gives a job that a back end has read its catalogue, which
// [Job.Payload] decodes with.
func (c *Catalogue) Bind(job *Job) *Job {
	job.catalogue = c
	return job
}

// BindClaim is Bind for a job that was just claimed from queue by handlerID
// as attempt AttemptsMade; sent is this process's time before the claim was
// sent to the store.
func (c *Catalogue) BindClaim(job *Job, queue JobQueue, handlerID string, sent time.Time) *Job {
	job.JobClaim = &JobClaim{JobID: job.ID, HandlerID: handlerID, AttemptNumber: job.AttemptsMade, Queue: queue}
	job.claimedAt = sent
	return c.Bind(job)
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

// encodePayload returns p as JSON that every store can keep.
func encodePayload(t JobType, p any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.buf.Cap() <= 64<<10 { // or one large payload would be held for good
			encoders.Put(e)
		}
	}()
	e.buf.Reset()
	if err := e.json.Encode(p); err != nil {
		e.json = json.NewEncoder(&e.buf) // an Encoder repeats its first error
		e.json.SetEscapeHTML(false)
		return nil, &PayloadError{Type: t, Err: err}
	}
	data := bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))
	if len(data) > MaxPayloadSize {
		return nil, &PayloadError{Type: t, Err: fmt.Errorf("it is %d bytes as JSON, more than the %d that a payload may have", len(data), MaxPayloadSize)}
	}
	if at, err := unstorable(data); err != nil {
		return nil, &PayloadError{Type: t, Field: pathAt(data, at), Err: err}
	}
	return bytes.Clone(data), nil
}

var (
	errNUL  = errors.New("text holds a NUL character, which the store cannot keep")
	errUTF8 = errors.New("text is not valid UTF-8, which the store cannot keep")
	errHalf = errors.New("text holds half of a surrogate pair, which the store cannot keep")
)

// unstorable finds what valid JSON may still hold and a store cannot keep.
// encoding/json writes a NUL as \u0000 and a byte that is no UTF-8 as \ufffd,
// while a real U+FFFD stays as it is, so both show in the encoded text.
func unstorable(data []byte) (at int, err error) {
	if !utf8.Valid(data) {
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return at, errUTF8
	}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\\')
		if n < 0 || i+n+1 >= len(data) {
			return 0, nil
		}
		i += n
		if rest := data[i+1:]; len(rest) >= 5 && rest[0] == 'u' {
			switch unit := hexUnit(rest[1:5]); {
			case unit == 0:
				return i, errNUL
			case unit == utf8.RuneError:
				return i, errUTF8
			case utf16.IsSurrogate(unit):
				rest = rest[5:]
				if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(unit, hexUnit(rest[2:6])) == utf8.RuneError {
					return i, errHalf
				}
				i += 6
			}
		}
		i += 2 // past the backslash and what it escapes, which may be another
	}
}

// hexUnit reads four digits, which are valid since the JSON is.
func hexUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 16)
	return rune(n)
}

// pathAt returns the JSON path of the value that encloses offset at.
func pathAt(data []byte, at int) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		key   string
		index int
		array bool
		value bool // inside an object: the next token is a value
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		top := len(stack) - 1
		inObject := top >= 0 && !stack[top].array
		delim, isDelim := tok.(json.Delim)
		if key, ok := tok.(string); ok && inObject && !stack[top].value {
			stack[top].key, stack[top].value = key, true
			if dec.InputOffset() > int64(at) {
				break
			}
			continue
		}
		if isDelim && (delim == '}' || delim == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 {
			stack[top].value = false
			if stack[top].array {
				stack[top].index++
			}
		}
		if dec.InputOffset() > int64(at) {
			break
		}
		if isDelim {
			stack = append(stack, level{array: delim == '[', index: -1})
		}
	}
	var path []byte
	for _, l := range stack {
		switch {
		case l.array:
			path = fmt.Appendf(path, "[%d]", l.index)
		case len(path) > 0:
			path = append(append(path, '.'), l.key...)
		default:
			path = append(path, l.key...)
		}
	}
	return string(path)
}

// decodeError names the field of a payload that did not decode.
func decodeError(t JobType, err error) error {
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		return &PayloadError{Type: t, Field: te.Field, Err: fmt.Errorf("decode: a JSON %s does not fit a Go %v", te.Value, te.Type)}
	}
	return &PayloadError{Type: t, Err: fmt.Errorf("decode: %w", err)}
}
