package schema

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// maxPriority is runtime.MaxPriority.
const maxPriority = 9

// options returns what reads the options of job, which the file calls what.
func (b *builder) options(job *Job, what string) map[string]readFunc {
	return map[string]readFunc{
		"queue": func(e entry) {
			name, ok := b.text(e.value, "the queue of "+what)
			if !ok {
				return
			}
			job.Queue = Option[string]{Value: name.Value, At: name.At}
			if !b.queues.has(name.Value) && !b.unread {
				b.mistakes.Add(name.At, diagnostic.UnknownQueue, "queue %q is not declared under queues%s",
					name.Value, b.suggest.Suggest(name.Value, b.queues.list))
			}
		},
		"max_attempts": func(e entry) {
			if s, ok := e.value.(*ast.StringNode); ok && s.Value == "unlimited" {
				job.MaxAttempts = Option[int32]{Value: Unlimited, At: start(s)}
				return
			}
			if n, ok := b.integer(e, diagnostic.BadMaxAttempts, 1, math.MaxInt32, "max_attempts", ", or unlimited"); ok {
				job.MaxAttempts = Option[int32]{Value: int32(n), At: start(e.value)}
			}
		},
		"max_work_duration": func(e entry) {
			if d, ok := b.duration(e); ok {
				job.MaxWorkDuration = Option[time.Duration]{Value: d, At: start(e.value)}
			}
		},
		"priority": func(e entry) {
			if n, ok := b.integer(e, diagnostic.BadPriority, 0, maxPriority, "priority", ""); ok {
				job.Priority = Option[int16]{Value: int16(n), At: start(e.value)}
			}
		},
	}
}

// integer reads a whole number in decimal digits, from low to high.
func (b *builder) integer(e entry, rule *diagnostic.Rule, low, high int64, what, or string) (int64, bool) {
	if reported(e.value) {
		return 0, false
	}
	if number, ok := e.value.(*ast.IntegerNode); ok {
		text := strings.ReplaceAll(number.GetToken().Value, "_", "")
		n, err := strconv.ParseInt(text, 10, 64)
		leadingZero := len(strings.TrimLeft(text, "+-")) > 1 && strings.TrimLeft(text, "+-")[0] == '0'
		if err == nil && n >= low && n <= high && !leadingZero {
			return n, true
		}
	}
	b.mistakes.Add(start(e.value), rule, "%s is %s: write a whole number from %d to %d%s", what, kind(e.value), low, high, or)
	return 0, false
}

func (b *builder) duration(e entry) (time.Duration, bool) {
	const write = "write a time above zero with its unit, such as 30s, 1m30s or 2h"
	if reported(e.value) {
		return 0, false
	}
	s, ok := e.value.(*ast.StringNode)
	if !ok {
		b.mistakes.Add(start(e.value), diagnostic.BadMaxWorkDuration, "max_work_duration is %s: %s", kind(e.value), write)
		return 0, false
	}
	d, err := time.ParseDuration(s.Value)
	switch {
	case err != nil:
		b.mistakes.Add(start(s), diagnostic.BadMaxWorkDuration, "max_work_duration is %q: %s", s.Value, write)
	case d <= 0:
		b.mistakes.Add(start(s), diagnostic.BadMaxWorkDuration, "max_work_duration is %s, which leaves no time to work: %s", s.Value, write)
	case d%time.Microsecond != 0:
		b.mistakes.Add(start(s), diagnostic.BadMaxWorkDuration, "max_work_duration is %s, finer than the microseconds that are stored: round it", s.Value)
	default:
		return d, true
	}
	return 0, false
}
