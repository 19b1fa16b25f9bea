package schema

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/yaml"
)

// An Acceptance says of one change that jobgen breaking finds that it is meant.
type Acceptance struct {
	At      diagnostic.Position
	Rule    Text // of package breaking
	Of      Text // what is changed: "email", "email.size"
	Was, Is Text // as a file writes it; zero for nothing
	Reason  Text
}

// Same reports whether a and b accept the same change.
func (a *Acceptance) Same(b *Acceptance) bool {
	return a.Rule.Value == b.Rule.Value && a.Of.Value == b.Of.Value && a.Was.Value == b.Was.Value && a.Is.Value == b.Is.Value
}

var acceptWords = words(map[yaml.Word][]string{
	{Key: "of"}:     {"field", "job", "for", "subject", "on", "what"},
	{Key: "was"}:    {"from", "old", "before"},
	{Key: "is"}:     {"to", "new", "now", "after"},
	{Key: "reason"}: {"because", "why", "comment", "description"},
})

// readAccepted reads what the file accepts of its change.
func (b *builder) readAccepted(e yaml.Entry) {
	list, ok := e.Value.(*ast.SequenceNode)
	if !ok {
		if !yaml.Empty(e.Value) {
			b.WrongKind(e.Value, "accept", "a list")
		}
		return
	}
	for i, n := range list.Values {
		a := &Acceptance{At: yaml.ElementStart(list, i)}
		text := func(to *Text) yaml.ReadFunc {
			return func(e yaml.Entry) { *to, _ = b.written(e.Value, "the "+e.Key.Value+" of an acceptance") }
		}
		there := b.KeysOr(n, "an acceptance", map[string]yaml.ReadFunc{
			"rule": text(&a.Rule), "of": text(&a.Of), "was": text(&a.Was), "is": text(&a.Is), "reason": text(&a.Reason),
		}, acceptWords)
		if there == nil {
			continue
		}
		b.file.Accepted = append(b.file.Accepted, a)
		for _, key := range []string{"rule", "of", "reason"} {
			if !there[key] {
				b.Mistakes.Add(a.At, diagnostic.BadAcceptance, "the acceptance has no %s: jobgen breaking prints what to write, and the reason is yours", key)
			}
		}
		if there["reason"] && strings.Trim(a.Reason.Value, " .…\n") == "" && a.Reason.At.Line > 0 {
			b.Mistakes.Add(a.Reason.At, diagnostic.BadAcceptance, "the reason is empty: say why the change is meant")
		}
	}
}

// written returns a value as it is written: text, a number, or a type in brackets.
func (b *builder) written(n ast.Node, what string) (Text, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return Text{Value: n.GetToken().Value, At: yaml.Start(n)}, true
	case *ast.SequenceNode, *ast.MappingNode:
		return Text{Value: strings.TrimSpace(n.String()), At: yaml.Start(n)}, true
	}
	return b.Text(n, what)
}
