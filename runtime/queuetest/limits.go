package queuetest

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// tooLarge holds that err is a TooLargeError of so many, and of what may be.
func (x *trial) tooLarge(err error, size, limit int) {
	x.Helper()
	var e *runtime.TooLargeError
	if !errors.As(err, &e) || e.Size != size || e.Max != limit {
		x.Errorf("error %v; want a TooLargeError of %d where %d may be", err, size, limit)
	}
}

var limits = behaviours{
	"a payload above the limit is refused with its size and the limit": func(x *trial) {
		text := strings.Repeat("x", driver.MaxPayloadSize)
		want := driver.MaxPayloadSize + len(`{"n":0,"text":""}`)
		_, err := x.queue.Add(x.Context(), typeA, payloadA{Text: text})
		x.tooLarge(err, want, driver.MaxPayloadSize)
		var of *runtime.PayloadError
		if !errors.As(err, &of) || of.Type != typeA {
			x.Errorf("error %v; want a PayloadError of type %q", err, typeA)
		}
		_, err = x.queue.AddAndClaim(x.Context(), typeA, payloadA{Text: text}, "h")
		x.tooLarge(err, want, driver.MaxPayloadSize)
		x.stats(0, 0, 0)
	},
	"a catalogue can allow larger payloads, and smaller ones alone": func(x *trial) {
		const size = 3 << 20
		larger := x.open(x.store.Open(x, catalogue.WithMaxPayloadSize(size)), "queue")
		text := strings.Repeat("y", size-len(`{"n":0,"text":""}`))
		_, err := larger.Add(x.Context(), typeA, payloadA{Text: text})
		x.must(err)
		payload, err := x.claim("h").Payload() // whoever works it need not know
		x.must(err)
		x.same(len(payload.(*payloadA).Text), len(text))
		_, err = larger.Add(x.Context(), typeA, payloadA{Text: text + "y"})
		x.tooLarge(err, size+1, size)

		smaller := x.open(x.store.Open(x, catalogue.WithMaxPayloadSize(100)), "queue")
		_, err = smaller.Add(x.Context(), typeA, payloadA{Text: strings.Repeat("z", 100)})
		x.tooLarge(err, 117, 100)
	},
	"a batch of large payloads is added whole": driven(func(x *trial, _ queue) {
		const size = 16 << 20
		larger := x.open(x.store.Open(x, catalogue.WithMaxPayloadSize(size)), "queue")
		// Each has its own letter, so that what is cut off or mixed up shows.
		sizes := []int{0, 1 << 20, size - 100, 2<<20 - 30, 5 << 20, 1, 3 << 20}
		n := len(sizes)
		payloads := make([]any, n)
		for i, of := range sizes {
			payloads[i] = payloadA{N: i, Text: strings.Repeat(string(rune('a'+i)), of)}
		}
		ids, err := larger.AddBatch(x.Context(), typeA, payloads)
		x.must(err)
		x.same(len(ids), n)
		x.stats(int64(n), int64(n), 0)
		for i := range n {
			job, err := larger.TryClaim(x.Context(), "h")
			x.must(err)
			payload, err := job.Payload()
			x.must(err)
			want := payloads[slices.Index(ids, job.ID)].(payloadA)
			if got := payload.(*payloadA); *got != want {
				x.Errorf("job %d of %d: claimed payload %d with %d bytes of text; enqueued were %d with %d", i, n, got.N, len(got.Text), want.N, len(want.Text))
			}
			x.must(larger.Complete(x.Context(), job.ID, "h", 0, nil))
		}
		payloads[n-1] = payloadA{Text: strings.Repeat("x", size)}
		_, err = larger.AddBatch(x.Context(), typeA, payloads)
		x.tooLarge(err, size+len(`{"n":0,"text":""}`), size)
		x.stats(0, 0, 0)
	}),
	"a batch of too many jobs is refused before any is made": driven(func(x *trial, q queue) {
		_, err := q.AddBatch(x.Context(), typeA, make([]any, driver.MaxBatchSize+1))
		x.tooLarge(err, driver.MaxBatchSize+1, driver.MaxBatchSize)
		_, err = runtime.EnqueueBatch(x.Context(), x.service, jobA, make([]payloadA, driver.MaxBatchSize+1))
		x.tooLarge(err, driver.MaxBatchSize+1, driver.MaxBatchSize)
		x.stats(0, 0, 0)
	}),
	"names of queues and handlers above the limit are refused with their size and the limit": func(x *trial) {
		name := strings.Repeat("n", driver.MaxNameSize+1)
		_, err := x.service.GetQueue(x.Context(), name)
		x.tooLarge(err, len(name), driver.MaxNameSize)
		_, err = x.queue.TryClaim(x.Context(), name)
		x.tooLarge(err, len(name), driver.MaxNameSize)
		_, err = x.queue.AddAndClaim(x.Context(), typeA, payloadA{}, name)
		x.tooLarge(err, len(name), driver.MaxNameSize)
	},
	"of a long log its head and its tail are kept, and how much was cut": func(x *trial) {
		x.add()
		job := x.claim("h")
		x.must(fail(x, job, "no", "the head\n"+strings.Repeat("x", 200<<10)+"\nthe tail"))
		log := x.log(job.ID, 0).Log
		if len(log) > driver.MaxLogSize || len(log) < driver.MaxLogSize*9/10 ||
			!bytes.HasPrefix(log, []byte("the head\n")) || !bytes.HasSuffix(log, []byte("\nthe tail")) || !bytes.Contains(log, []byte("bytes cut")) {
			x.Errorf("the log has %d bytes: %.40q … %q", len(log), log, log[max(0, len(log)-40):])
		}
	},
	"of a long reason the beginning is kept, and a mark": func(x *trial) {
		x.add()
		job := x.claim("h")
		x.must(fail(x, job, "why: "+strings.Repeat("é", driver.MaxReasonSize), ""))
		reason := x.log(job.ID, 0).FailureReason
		if len(reason) > driver.MaxReasonSize || !strings.HasPrefix(reason, "why: é") || !strings.HasSuffix(reason, "é [cut]") {
			x.Errorf("the reason has %d bytes: %.20q … %q", len(reason), reason, reason[max(0, len(reason)-20):])
		}
	},
}
