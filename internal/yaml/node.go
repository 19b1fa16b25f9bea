package yaml

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// Reported says of a node that it was found wrong by its tokens.
func Reported(n ast.Node) bool {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.MappingKeyNode:
		return true
	}
	return false
}

// Start returns the place that an error about n names.
func Start(n ast.Node) diagnostic.Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return Start(m.Values[0].Key)
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return Start(v.Key)
	}
	if t := n.GetToken(); t != nil {
		return Place(t)
	}
	return diagnostic.Position{Line: 1, Column: 1}
}

// Kind says what n is, for an error.
func Kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		if t := n.GetToken(); t == nil || t.Value == "" || t.Value == "null" {
			return "nothing"
		}
		return n.GetToken().Value
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", n.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	}
	return n.GetToken().Value
}

// Pairs returns the entries of a mapping, and whether n is one.
func Pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// ElementStart returns the place below which the documentation of a list's
// element ends: the dash, or the value where there is none.
func ElementStart(list *ast.SequenceNode, i int) diagnostic.Position {
	if !list.IsFlowStyle && i < len(list.Entries) {
		return Place(list.Entries[i].Start)
	}
	return Start(list.Values[i])
}

// Clip shortens a text that is quoted in an error.
func Clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
