package driver

import (
	"fmt"
	"strings"
)

// Fields describes what a payload's JSON may hold, so that two programs which
// mean different payloads by one type and version can be told apart. It is one
// line per field, "NAME KIND" or, where the field may be missing, "NAME KIND?",
// in the order of the names; the kind is string, number, bool, array, object or
// any. Empty Fields describe nothing and agree with all others.
type Fields string

// Conflict returns why a program with these fields and one with others mean
// different payloads, or "" where nothing speaks for it: a field that both know is
// of two kinds, or each requires a field that the other does not know. Where one
// alone requires more, one of the two is the other's next version, and the rules of
// jobgen breaking decide on that change. It errs on the side of agreement: what
// differs inside a field is not seen.
func (f Fields) Conflict(others Fields) string {
	if f == "" || others == "" {
		return ""
	}
	ours, theirs := f.kinds(), others.kinds()
	unknownThere := ""
	for line := range strings.Lines(string(f)) {
		name, kind, optional := field(line)
		other, ok := theirs[name]
		switch {
		case !ok && !optional && unknownThere == "":
			unknownThere = name
		case ok && kind != "any" && other != "any" && kind != other:
			return fmt.Sprintf("field %q is of JSON type %s here and %s there", name, kind, other)
		}
	}
	for line := range strings.Lines(string(others)) {
		name, _, optional := field(line)
		if _, ok := ours[name]; !ok && !optional && unknownThere != "" {
			return fmt.Sprintf("field %q is required here and unknown there, where field %q is required and unknown here", unknownThere, name)
		}
	}
	return ""
}

func (f Fields) kinds() map[string]string {
	kinds := make(map[string]string)
	for line := range strings.Lines(string(f)) {
		name, kind, _ := field(line)
		kinds[name] = kind
	}
	return kinds
}

func field(line string) (name, kind string, optional bool) {
	line = strings.TrimSuffix(line, "\n")
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		return line, "any", false
	}
	kind, optional = strings.CutSuffix(line[at+1:], "?")
	return line[:at], kind, optional
}
