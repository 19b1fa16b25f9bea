package lock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/schema"
)

const heading = `# What the jobs in a database may look like: of each job type its queue, and of
# each payload version the types and the fields, in the order in which they first
# appeared. Written by jobgen generate from jobs.yaml. Commit it, read it in
# reviews, and do not edit it.
`

// Format returns lock as a file: jobs and types sorted, fields in their order,
// one thing a line, the same bytes each time.
func Format(lock *schema.Lock) []byte {
	w := &writer{}
	w.WriteString(heading)
	w.line(0, "format: %d", format)
	w.line(0, "package: %s", scalar(lock.Package.Value))
	if len(lock.Jobs) == 0 {
		w.line(0, "jobs: {}")
		return w.Bytes()
	}
	w.line(0, "jobs:")
	jobs := slices.Clone(lock.Jobs)
	slices.SortStableFunc(jobs, func(a, b *schema.LockedJob) int { return strings.Compare(a.Type.Value, b.Type.Value) })
	for _, job := range jobs {
		w.line(1, "%s:", scalar(job.Type.Value))
		if job.Removed {
			w.line(2, "removed: true")
		}
		w.line(2, "queue: %s", scalar(job.Queue.Value))
		w.line(2, "versions:")
		for _, v := range job.Versions {
			w.version(v)
		}
	}
	return w.Bytes()
}

type writer struct{ bytes.Buffer }

func (w *writer) line(indent int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

func (w *writer) version(v *schema.Payload) {
	w.line(3, "v%d:", v.Version)
	if v.Declared {
		w.line(4, "declared: true")
	}
	w.fields(4, "payload", v.Fields, true)
	w.fields(4, "removed", v.Gone, false)
	w.reserved(4, v.Reserved)
	if len(v.Types) == 0 {
		return
	}
	w.line(4, "types:")
	for _, t := range v.Types {
		w.line(5, "%s:", scalar(t.Name.Value))
		if t.IsEnum {
			w.line(6, "enum:")
			for _, value := range t.Enum {
				w.line(7, "- %s", quoted(value.Value.Value))
			}
			continue
		}
		w.fields(6, "fields", t.Fields, true)
		w.fields(6, "removed", t.Gone, false)
		w.reserved(6, t.Reserved)
	}
}

func (w *writer) fields(indent int, key string, fields []*schema.Field, always bool) {
	switch {
	case len(fields) > 0:
		w.line(indent, "%s:", key)
	case always:
		w.line(indent, "%s: {}", key)
	}
	for _, f := range fields {
		text := scalar(f.Type.String())
		if f.Default != nil || f.RenamedFrom.Value != "" {
			text = "{type: " + text
			if f.Default != nil {
				text += ", default: " + literal(f)
			}
			if f.RenamedFrom.Value != "" {
				text += ", renamed_from: " + scalar(f.RenamedFrom.Value)
			}
			text += "}"
		}
		w.line(indent+1, "%s: %s", scalar(f.Key.Value), text)
	}
}

func (w *writer) reserved(indent int, keys []schema.Text) {
	if len(keys) == 0 {
		return
	}
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b schema.Text) int { return strings.Compare(a.Value, b.Value) })
	w.line(indent, "reserved:")
	for _, key := range sorted {
		w.line(indent+1, "- %s", scalar(key.Value))
	}
}

// literal returns a default as jobs.yaml writes it.
func literal(f *schema.Field) string {
	if f.Type.Builtin != nil && f.Type.Builtin.Bare {
		return f.Default.Text
	}
	return quoted(f.Default.Text)
}

var (
	plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*\??$`)
	// What YAML, in one version or another, takes for something else than text.
	words = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|inf|nan)$`)
)

// scalar returns text as YAML, in quotes where it has to be.
func scalar(text string) string {
	if plain.MatchString(text) && !words.MatchString(text) {
		return text
	}
	return quoted(text)
}

// quoted returns text in quotes. JSON's are YAML's, too.
func quoted(text string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	escaped := strings.TrimSuffix(out.String(), "\n")
	// What may not be seen in a file, and JSON allows.
	var b strings.Builder
	for _, r := range escaped {
		if r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x61c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
