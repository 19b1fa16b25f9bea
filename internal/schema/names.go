package schema

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// names is a set that remembers its order.
type names struct {
	list []string
	set  map[string]bool
}

func (n *names) add(name string) {
	if n.set == nil {
		n.set = make(map[string]bool)
	}
	n.set[name] = true
	n.list = append(n.list, name)
}

func (n *names) has(name string) bool { return n.set[name] }

const (
	maxName      = 100
	maxQueueName = 255 // driver.MaxNameSize

	plainName  = "_"   // what a type's name may hold beside letters and digits
	dottedName = "_-." // and a job's or a field's
)

// checkName checks a name that Go names are made of.
func (b *builder) checkName(name Text, what, extra string) bool {
	why := ""
	for i, r := range name.Value {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if i == 0 && !letter {
			why = "it must begin with a letter from a to z"
			break
		}
		if !letter && (r < '0' || r > '9') && !strings.ContainsRune(extra, r) {
			why = fmt.Sprintf("it contains %q; it may contain letters from a to z, digits and %s", r, spelled[extra])
			break
		}
	}
	switch {
	case name.Value == "":
		why = "it is empty"
	case len(name.Value) > maxName:
		why = fmt.Sprintf("it has %d characters, more than %d", len(name.Value), maxName)
	}
	if why == "" {
		return true
	}
	b.Mistakes.Add(name.At, diagnostic.BadName, "invalid name of %s: %s", what, why)
	return false
}

var spelled = map[string]string{plainName: "_", dottedName: "_ - ."}

// badQueue returns why no queue can have this name, or "".
func badQueue(name string) string {
	switch {
	case name == "":
		return "the name is empty"
	case len(name) > maxQueueName:
		return fmt.Sprintf("the name has %d bytes, more than %d", len(name), maxQueueName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "the name holds a control character"
	}
	return ""
}
