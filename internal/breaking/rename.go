package breaking

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/schema"
)

// renamed looks among the fields of one payload or struct for one that is gone
// and one that is new, of a type that no other field that came or went has: it
// has most likely another name, and the change about it says how to write that.
func (c *comparer) renamed(old, new []*schema.Field, path string) {
	was, is := byKey(old), byKey(new)
	gone := only(old, func(f *schema.Field) bool { return is[f.Stored()] == nil })
	came := only(new, func(f *schema.Field) bool { return was[f.Stored()] == nil })
	for _, before := range gone {
		same := func(f *schema.Field) bool { return f.Type != nil && f.Type.String() == before.Type.String() }
		now := only(came, same)
		if len(now) != 1 || len(only(gone, same)) != 1 {
			continue
		}
		c.suggest(path+before.Key.Value, path+now[0].Key.Value, fmt.Sprintf("if %q is %q under another name, write %s: %s",
			now[0].Key.Value, before.Key.Value, now[0].Key.Value, longForm(now[0], before.Stored())))
	}
}

func only(fields []*schema.Field, keep func(*schema.Field) bool) []*schema.Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f *schema.Field) bool { return f.Type == nil || !keep(f) })
}

// suggest has the change about what is new say it, or where there is none, that
// about what is gone.
func (c *comparer) suggest(gone, came, what string) {
	of := func(rules ...*Rule) func(Change) bool {
		return func(change Change) bool {
			return slices.Contains(rules, change.Rule) && (change.Subject == gone && change.To == "" || change.Subject == came && change.From == "")
		}
	}
	i := slices.IndexFunc(c.Changes, of(FieldAdded))
	if i < 0 {
		i = slices.IndexFunc(c.Changes, of(FieldRemoved))
	}
	if i >= 0 {
		c.Changes[i].Do = what + "; else " + c.Changes[i].Rule.Do
	}
}

// longForm is how a file writes a field that is stored under another key.
func longForm(f *schema.Field, key string) string {
	text := f.Type.String()
	if f.Type.Optional && (f.Type.List != nil || f.Type.Map != nil) {
		text = `"` + text + `"`
	}
	parts := []string{"type: " + text}
	if f.Default != nil {
		parts = append(parts, "default: "+scalar(f.Default.Text))
	}
	return "{" + strings.Join(append(parts, "renamed_from: "+key), ", ") + "}"
}

// reworded looks for an enum of which one value is gone and one is new.
func (c *comparer) reworded(old, new *schema.Type, name string) {
	was, is := values(old), values(new)
	missing := func(from []*schema.EnumValue, among map[string]*schema.EnumValue) []*schema.EnumValue {
		return slices.DeleteFunc(slices.Clone(from), func(v *schema.EnumValue) bool { return among[v.Value.Value] != nil })
	}
	gone, came := missing(old.Enum, is), missing(new.Enum, was)
	if len(gone) != 1 || len(came) != 1 {
		return
	}
	for i := range c.Changes {
		if change := &c.Changes[i]; change.Rule == EnumValueRemoved && change.Subject == name {
			change.Do = fmt.Sprintf("if %q means what %q does, keep %[2]q, which is what jobs hold; else %s", came[0].Value.Value, gone[0].Value.Value, EnumValueRemoved.Do)
		}
	}
}

// renamedJob returns what to do about a job that is gone where exactly one that
// is new has its queue and payload, else "".
func (w *walk) renamedJob(gone *schema.Job) string {
	before := make(map[string]bool)
	for _, job := range w.Old.Jobs {
		before[job.Type.Value] = true
	}
	var like []*schema.Job
	for _, job := range w.New.Jobs {
		if before[job.Type.Value] || job.Queue.Value != gone.Queue.Value || len(job.Payload) == 0 || len(job.Payload) != len(gone.Payload) {
			continue
		}
		if len(Payloads(Shape{Fields: gone.Payload}, Shape{Fields: job.Payload}).Changes) == 0 {
			like = append(like, job)
		}
	}
	if len(like) != 1 {
		return ""
	}
	return fmt.Sprintf("if %q is %q under another name, keep %[2]q, which is what jobs are stored under; else %s", like[0].Type.Value, gone.Type.Value, JobRemoved.Do)
}
