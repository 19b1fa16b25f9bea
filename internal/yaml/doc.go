// Package yaml reads the YAML that jobgen's files are written in, with the place
// of everything: it parses with goccy/go-yaml, checks what that leaves to its
// caller (characters that cannot be seen, other encodings, a second document,
// anchors, tags, duplicate keys, absurd nesting), finds the comment above each
// key, and walks mappings strictly. What keys there are and what they mean it does
// not know.
package yaml
