package faulttest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxDials is how many connections a worker may try in vain to make a second
// while it cannot work: more would be no backoff. Those that succeed do not
// count, since a pool fills again whenever its server is back. Producers dial as
// often as they are asked to add.
const maxDials = 30

// A result is a line of the table of faults.
type result struct {
	family, fault, how string
	violations         int

	jobs, attempts, finished, dead, cancelled, waiting int

	asked, refused int           // while the fault lasted
	dials          float64       // connections tried in vain a second and worker, while it lasted
	before         float64       // finished jobs a second before the fault
	recovered      time.Duration // from its end until that was so again; negative for never
	measured       bool
	more           string
}

// rateWindow is over how long throughput is taken.
const rateWindow = time.Second

// enough is which part of the former throughput is as good.
const enough = 0.8

// awaitRecovery waits until jobs finish as fast as before the fault, or a
// minute is over.
func (s *storm) awaitRecovery() {
	s.Helper()
	conn := s.admin()
	defer conn.Close(s.Context())
	var before int
	s.must(conn.QueryRow(s.Context(), `SELECT count(*) FROM audit.event WHERE place = 'job' AND op = 'DELETE' AND at < $1`, s.from).Scan(&before))
	rate := float64(before) / s.warm.Seconds()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); s.pass(100 * time.Millisecond) {
		n, err := finishedSince(s.Context(), conn, rateWindow)
		s.must(err)
		if time.Since(s.to) > rateWindow && float64(n) >= enough*rate*rateWindow.Seconds() {
			return
		}
	}
}

// measure counts what a run did.
func (s *storm) measure(e evidence) result {
	r := result{recovered: -1, dials: float64(s.dialled) / max(s.to.Sub(s.from).Seconds(), 1) / float64(len(s.workers))}
	var ends []time.Time
	for _, ev := range e.events {
		switch {
		case ev.place == "job" && ev.op == "INSERT":
			r.jobs++
		case ev.place == "job" && ev.op == "DELETE":
			ends = append(ends, ev.at)
		}
	}
	r.attempts = len(e.attempts)
	for _, places := range e.places {
		switch places[0] {
		case "dead":
			r.dead++
		case "cancelled":
			r.cancelled++
		default:
			r.waiting++
		}
	}
	r.finished = r.jobs - r.dead - r.cancelled - r.waiting
	for _, l := range e.producers {
		at := time.Unix(0, l.At)
		if at.Before(s.from) || at.After(s.to) {
			continue
		}
		switch l.What {
		case asksAdd:
			r.asked++
		case addFailed, addRefused:
			r.refused++
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	rate := func(from, to time.Time) float64 {
		n := 0
		for _, at := range ends {
			if !at.Before(from) && at.Before(to) {
				n++
			}
		}
		return float64(n) / to.Sub(from).Seconds()
	}
	if s.from.IsZero() || len(ends) == 0 {
		return r
	}
	r.before = rate(s.from.Add(-s.warm), s.from)
	for at := s.to; at.Before(ends[len(ends)-1]); at = at.Add(50 * time.Millisecond) {
		if rate(at, at.Add(rateWindow)) >= enough*r.before {
			r.recovered = at.Sub(s.to)
			break
		}
	}
	r.measured = true
	return r
}

func (r result) String() string {
	if r.jobs == 0 {
		return r.more
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d jobs in %d attempts: %d finished, %d cancelled, %d dead, %d waiting", r.jobs, r.attempts, r.finished, r.cancelled, r.dead, r.waiting)
	if r.asked > 0 {
		fmt.Fprintf(&b, "; during the fault %d of %d adds failed", r.refused, r.asked)
	}
	if r.measured {
		fmt.Fprintf(&b, ", %.1f connections tried in vain a second and worker; %.0f jobs a second again after %.1f s", r.dials, r.before, r.recovered.Seconds())
	}
	if r.more != "" {
		fmt.Fprintf(&b, "; %s", r.more)
	}
	fmt.Fprintf(&b, "; %d violations", r.violations)
	return b.String()
}

// results are collected for the table.
var results table

type table struct {
	mu   sync.Mutex
	rows []result
}

func (t *table) add(r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}
