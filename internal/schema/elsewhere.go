package schema

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/yaml"
)

// holding are the keys whose values are mappings of names that the file chooses.
var holding = map[string]bool{"queues": true, "types": true, "jobs": true, "payload": true, "fields": true}

const missing = "it is not supported; docs/guides/coming-from.md says what to do meanwhile"

// What River, asynq, Oban, Sidekiq, Celery, BullMQ, Temporal and others call the
// keys of a file.
var (
	fileWords = words(map[yaml.Word][]string{
		{Key: "jobs"}:     {"job", "tasks", "task", "workers", "worker", "activities", "messages", "events", "job_types"},
		{Key: "queues"}:   {"queue", "queue_names", "channels"},
		{Key: "types"}:    {"type", "structs", "enums", "schemas", "models", "definitions", "components"},
		{Key: "defaults"}: {"default", "options", "config", "settings"},
		{Key: "package"}:  {"go_package", "module", "out", "output", "path", "import"},
		{Note: missing}:   {"schedules", "schedule", "cron", "crontab", "periodic", "periodic_jobs", "middleware", "workflows", "limits", "rate_limits"},
	})
	optionWords = map[yaml.Word][]string{
		{Key: "max_attempts"}: {"attempts", "tries", "max_tries", "maximum_attempts", "max_attempt", "attempt"},
		{Key: "max_attempts", Note: "It counts the first attempt too."}: {
			"retry", "retries", "max_retries", "max_retry", "retry_limit", "retry_count", "sidekiq_retry", "max_retry_count",
		},
		{Key: "max_work_duration"}: {
			"timeout", "job_timeout", "time_limit", "soft_time_limit", "execution_timeout", "start_to_close_timeout", "max_duration", "max_runtime", "run_timeout",
			"task_timeout", "visibility_timeout", "lock_duration", "ttr",
		},
		{Note: "it is not supported; the delay before another attempt is the same for all jobs, see docs/guides/retries.md"}: {
			"backoff", "retry_delay", "retry_policy", "retry_backoff", "default_retry_delay", "retry_in", "sidekiq_retry_in", "exponential_backoff", "autoretry_for",
			"initial_interval", "backoff_coefficient", "retry_wait",
		},
		{Note: missing}: {
			"unique", "unique_for", "unique_opts", "unique_until", "uniqueness", "dedupe", "deduplication", "deduplication_id", "unique_key", "lock",
			"schedule", "cron", "crontab", "every", "repeat", "periodic", "interval", "recurring",
			"rate_limit", "rate", "limiter", "throttle", "limits", "per", "concurrency_key", "partition",
			"middleware", "headers", "tags", "labels", "depends_on", "parent", "chain", "workflow", "batch", "paused", "enabled", "result", "returns",
			"progress", "heartbeat_timeout",
		},
		{Note: "a program says how many jobs run at once, see docs/guides/concurrency.md"}: {
			"concurrency", "handlers", "workers", "max_workers", "worker_count", "limit", "max_concurrency", "max_concurrent", "threads", "pool_size", "prefetch",
		},
		{Note: "finished jobs are not kept; their attempts are kept for 30 days"}: {
			"retention", "remove_on_complete", "remove_on_fail", "keep_for", "completed_retention", "result_ttl",
		},
		{Note: "a program says the time when it enqueues the job, see docs/guides/run-later.md"}: {
			"delay", "scheduled_at", "eta", "countdown", "process_in", "process_at", "run_at", "run_in", "schedule_in", "wait", "wait_until", "due", "start_delay",
		},
		{Note: "it is not supported; a job waits until it is done or cancelled"}: {"expires", "expires_in", "expires_at", "ttl", "deadline", "schedule_to_start_timeout"},
	}
	about    = map[yaml.Word][]string{{Note: "write a comment in the line above the name"}: {"description", "desc", "doc", "docs", "comment", "title", "summary", "help"}}
	jobWords = words(optionWords, about, map[yaml.Word][]string{
		{Key: "payload"}: {"args", "arguments", "params", "parameters", "input", "data", "body", "fields", "properties", "inputs"},
		{Key: "queue"}:   {"queue_name", "queues", "task_queue", "channel"},
		{Note: "the name of the job is the key above"}: {"name", "type", "kind", "task", "job_type", "id"},
		{Note: "the handler is a Go function, which the program gives to the generated Handle function"}: {
			"handler", "class", "worker", "perform", "function", "run", "on_failure", "on_success", "callback", "callbacks",
		},
	})
	queueWords   = words(optionWords, about, map[yaml.Word][]string{{Note: "use priority, which holds for each job of the queue"}: {"weight"}})
	defaultWords = words(optionWords, about, map[yaml.Word][]string{{Key: "queue"}: {"queue_name", "queues"}})
	typeWords    = words(about, map[yaml.Word][]string{
		{Key: "fields"}: {"properties", "struct", "members", "payload", "attributes"},
		{Key: "enum"}:   {"values", "one_of", "oneof", "options"},
	})
	fieldWords = words(map[yaml.Word][]string{
		{Note: "write a comment in the line above the field"}:                            {"description", "desc", "doc", "docs", "comment", "title", "summary", "example", "examples"},
		{Note: "a field is required unless its type ends in ?"}:                          {"required", "presence"},
		{Note: "the type of an optional field ends in ?, as in string?"}:                 {"optional", "nullable", "null", "allow_nil", "allow_null"},
		{Note: "declare the enum under types, and write its name as the type"}:           {"enum", "values", "one_of", "oneof"},
		{Note: "a list is written [T], and a map {string: T}"}:                           {"items", "list", "element", "additional_properties"},
		{Note: "declare the struct under types, and write its name as the type"}:         {"fields", "properties"},
		{Note: "the name of a field is its key in JSON"}:                                 {"json", "key", "tag"},
		{Note: "it is not supported: check the value in the program before it enqueues"}: {"min", "max", "minimum", "maximum", "pattern", "format", "min_length", "max_length", "validate"},
		{Key: "renamed_from"}: {"renamed", "was", "old_name", "previously", "alias", "aliases"},
		{Key: "deprecated"}:   {"obsolete"},
	})
)

// words returns tables with the word as the key.
func words(tables ...map[yaml.Word][]string) map[string]yaml.Word {
	all := make(map[string]yaml.Word)
	for _, table := range tables {
		for word, names := range table {
			for _, name := range names {
				all[name] = word
			}
		}
	}
	return all
}

// inside gives each entry without value the keys behind it that belong inside
// one, where what they hold shows that they are meant so: options beside their
// job, or fields: beside their type.
func (b *builder) inside(entries []yaml.Entry, kind string, keys map[string]bool) []yaml.Entry {
	kept := make([]yaml.Entry, 0, len(entries))
	for i := 0; i < len(entries); i++ {
		e, n := entries[i], 0
		if yaml.Empty(e.Value) && !keys[e.Key.Value] {
			for i+1+n < len(entries) && keys[entries[i+1+n].Key.Value] && !holdsKeys(entries[i+1+n].Value, keys) {
				n++
			}
		}
		kept = append(kept, b.Adopt(e, entries[i+1:i+1+n], fmt.Sprintf("%s %q", kind, e.Key.Value)))
		i += n
	}
	return kept
}

// holdsKeys reports whether n is a mapping with one of keys.
func holdsKeys(n ast.Node, keys map[string]bool) bool {
	values, _ := yaml.Pairs(n)
	for _, v := range values {
		if key, ok := v.Key.(*ast.StringNode); ok && keys[key.Value] {
			return true
		}
	}
	return false
}

var (
	jobKeys = func() map[string]bool {
		keys := map[string]bool{"queue": true, "payload": true, "version": true, "reserved": true}
		for _, t := range optionTypes {
			keys[t.Name] = true
		}
		return keys
	}()
	typeKeys = map[string]bool{"fields": true, "enum": true, "reserved": true}
)
