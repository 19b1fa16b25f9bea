package queuetest

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

type textPayload struct {
	Text string `json:"text"`
}

type anyPayload struct {
	Value any             `json:"value"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

const (
	textType runtime.JobType = "text"
	anyType  runtime.JobType = "any"
)

// inputQueue is the queue as a process that knows odd payloads has it.
func inputQueue(x *trial) queue {
	return x.open(x.store.Open(x, runtime.NewCatalogue(
		runtime.Define[textPayload](textType, "queue"),
		runtime.Define[anyPayload](anyType, "queue"),
	)), "queue")
}

// adders are the ways to add a job.
func adders(x *trial, queue queue) map[string]func(t runtime.JobType, payload any, opts ...runtime.JobOption) error {
	ways := map[string]func(t runtime.JobType, payload any, opts ...runtime.JobOption) error{
		"Add": func(t runtime.JobType, payload any, opts ...runtime.JobOption) error {
			_, err := queue.Add(x.Context(), t, payload, opts...)
			return err
		},
		"AddAndClaim": func(t runtime.JobType, payload any, opts ...runtime.JobOption) error {
			_, err := queue.AddAndClaim(x.Context(), t, payload, "h", opts...)
			return err
		},
	}
	ways["AddBatch"] = func(t runtime.JobType, payload any, opts ...runtime.JobOption) error {
		_, err := queue.AddBatch(x.Context(), t, []any{payload}, opts...)
		return err
	}
	return ways
}

type foreignOption struct{ err error }

func (o foreignOption) Apply(job *runtime.Job) error {
	job.Priority = 5
	return o.err
}

var input = behaviours{
	"a payload that is not the type's own struct is ErrInvalidJobType, and nothing is written": func(x *trial) {
		for way, add := range adders(x, x.queue) {
			for _, payload := range []any{nil, payloadB{}, &payloadB{}, (*payloadA)(nil), map[string]any{"n": 1}, []byte(`{"n":1}`), json.RawMessage(`{}`), 1, "text", []payloadA{{}}} {
				if err := add(typeA, payload); !errors.Is(err, runtime.ErrInvalidJobType) {
					x.Errorf("%s of a %T: %v", way, payload, err)
				}
			}
		}
		x.stats(0, 0, 0)
	},
	"an unknown job type is ErrInvalidJobType, and nothing is written": func(x *trial) {
		for way, add := range adders(x, x.queue) {
			for _, t := range []runtime.JobType{"unknown", "", "A"} {
				if err := add(t, payloadA{}); !errors.Is(err, runtime.ErrInvalidJobType) {
					x.Errorf("%s of type %q: %v", way, t, err)
				}
			}
		}
		x.stats(0, 0, 0)
	},
	"a store opened without a catalogue knows no type, and leaves jobs readable": func(x *trial) {
		id := x.add()
		queue := x.open(x.store.Open(x, nil), "queue")
		_, err := queue.Add(x.Context(), typeA, payloadA{})
		x.is(err, runtime.ErrInvalidJobType)
		job, err := queue.TryClaim(x.Context(), "h")
		x.must(err)
		x.same(job.ID, id)
		_, err = job.Payload()
		x.is(err, runtime.ErrInvalidJobType)
		x.must(job.Complete(x.Context()))
	},
	"options that no job can have are refused, and nothing is written": func(x *trial) {
		for way, add := range adders(x, x.queue) {
			for what, opt := range map[string]runtime.JobOption{
				"0 attempts":                runtime.JobOptions.MaxAttempts(0),
				"-1 attempts":               runtime.JobOptions.MaxAttempts(-1),
				"the fewest attempts":       runtime.JobOptions.MaxAttempts(math.MinInt32),
				"a negative work duration":  runtime.JobOptions.MaxWorkDuration(-1),
				"the least work duration":   runtime.JobOptions.MaxWorkDuration(math.MinInt64),
				"the year 10000":            runtime.JobOptions.Due(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
				"the year 0":                runtime.JobOptions.Due(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)),
				"the last time there is":    runtime.JobOptions.Due(time.Unix(1<<62, 0)),
				"priority -1":               runtime.JobOptions.Priority(-1),
				"priority 10":               runtime.JobOptions.Priority(10),
				"an option that is refused": foreignOption{errors.New("no")},
			} {
				x.refused(add(typeA, payloadA{}, opt), way+" of "+what)
			}
		}
		x.stats(0, 0, 0)
	},
	"an option of the user's own applies": func(x *trial) {
		x.add(foreignOption{})
		x.same(x.claim("h").Priority, int16(5))
	},
	"the first and the last time there is are kept": func(x *trial) {
		last := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
		x.same(x.addAndClaim("h", runtime.JobOptions.Due(last)).Due.UTC(), last)
		x.add(runtime.JobOptions.Due(last))
		x.stats(1, 0, 1)
		first := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
		x.add(runtime.JobOptions.Due(first))
		x.same(x.claim("h").Due.UTC(), first)
		x.nothingToClaim()
	},
	"a Due is kept to the microsecond, in any zone": func(x *trial) {
		due := time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.FixedZone("east", 5*3600+1800))
		x.add(runtime.JobOptions.Due(due))
		if got := x.claim("h").Due; !got.Equal(due.Truncate(time.Microsecond)) {
			x.Errorf("due %v; want %v", got, due)
		}
	},
	"text that the store cannot keep is a PayloadError that names the field, and nothing is written": func(x *trial) {
		for way, add := range adders(x, inputQueue(x)) {
			for _, text := range []string{"nul \x00", "not UTF-8 \xff", "half a surrogate \xed\xa0\x80", strings.Repeat("x", driver.MaxPayloadSize)} {
				var payloadErr *runtime.PayloadError
				if err := add(textType, textPayload{text}); !errors.As(err, &payloadErr) {
					x.Errorf("%s of %.20q: %v", way, text, err)
				} else if len(text) < 100 && payloadErr.Field != "text" {
					x.Errorf("%s of %.20q: field %q", way, text, payloadErr.Field)
				}
			}
		}
		x.stats(0, 0, 0)
	},
	"half a surrogate pair, escaped, is a PayloadError that names the field, and a whole one is kept": func(x *trial) {
		for way, add := range adders(x, inputQueue(x)) {
			for _, raw := range []string{`"\ud800"`, `"\uDC00"`, `"\ud800\u0041"`, `"\ud800\ud800"`, `"\ude00\ud83d"`, `"\ud83dxxxxxx"`} {
				var payloadErr *runtime.PayloadError
				if err := add(anyType, anyPayload{Raw: json.RawMessage(raw)}); !errors.As(err, &payloadErr) || payloadErr.Field != "raw" {
					x.Errorf("%s of %s: %v", way, raw, err)
				}
			}
			x.must(add(anyType, anyPayload{Raw: json.RawMessage(`"\ud83d\uDE00\\ud800"`)}))
		}
	},
	"what JSON cannot hold is a PayloadError, and nothing is written": func(x *trial) {
		for way, add := range adders(x, inputQueue(x)) {
			for _, value := range []any{math.NaN(), math.Inf(1), make(chan int), func() {}} {
				var payloadErr *runtime.PayloadError
				if err := add(anyType, anyPayload{Value: value}); !errors.As(err, &payloadErr) {
					x.Errorf("%s of a %T: %v", way, value, err)
				}
			}
			var payloadErr *runtime.PayloadError
			if err := add(anyType, anyPayload{Raw: json.RawMessage(`{"open":`)}); !errors.As(err, &payloadErr) {
				x.Errorf("%s of broken JSON: %v", way, err)
			}
		}
		x.stats(0, 0, 0)
	},
	"text comes back as it was": func(x *trial) {
		queue := inputQueue(x)
		for _, text := range []string{
			"", " ", "ä☃🐘", "\"quoted\" 'text'; --", "back\\slash \\u0000 \\\\", "<a href=\"x\">&amp;</a>", "line\r\n\ttab\x01\x1f\x7f", "\u2028\u2029\ufeff", "\ufffd", "\U0010ffff",
			`$1 :name ? %s {{}}`, strings.Repeat("große Nutzlast ", 50_000),
		} {
			_, err := queue.Add(x.Context(), textType, textPayload{text})
			if err != nil {
				x.Errorf("add %.20q: %v", text, err)
				continue
			}
			job, err := queue.TryClaim(x.Context(), "h")
			x.must(err)
			payload, err := job.Payload()
			x.must(err)
			x.same(payload, &textPayload{text})
			x.must(job.Complete(x.Context()))
		}
	},
	"numbers come back as they were": func(x *trial) {
		queue := inputQueue(x)
		for _, number := range []string{"0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e308", "5e-324", "0.1", "123456789012345678901234567890.123456789"} {
			_, err := queue.Add(x.Context(), anyType, anyPayload{Value: json.Number(number)})
			x.must(err)
			job, err := queue.TryClaim(x.Context(), "h")
			x.must(err)
			var back struct{ Value json.Number }
			x.must(json.Unmarshal(job.Data, &back))
			x.same(back.Value.String(), number)
			x.must(job.Complete(x.Context()))
		}
	},
	"a payload of the greatest size is kept": func(x *trial) {
		queue := inputQueue(x)
		text := strings.Repeat("x", driver.MaxPayloadSize-len(`{"text":""}`))
		_, err := queue.Add(x.Context(), textType, textPayload{text})
		x.must(err)
		job, err := queue.TryClaim(x.Context(), "h")
		x.must(err)
		x.same(len(job.Data), driver.MaxPayloadSize)
		_, err = queue.Add(x.Context(), textType, textPayload{text + "x"})
		x.refused(err, "one byte more")
	},
	"what was added is apart from what the caller still holds": func(x *trial) {
		payload := payloadB{Tags: []string{"before"}}
		_, err := x.queue.Add(x.Context(), typeB, &payload)
		x.must(err)
		payload.Tags[0] = "after"
		job := x.claim("h")
		copy(job.Data, "xxxx")
		x.must(fail(x, job, "no", ""))
		got, err := x.claim("h").Payload()
		x.must(err)
		x.same(got, &payloadB{Tags: []string{"before"}})
	},
}
