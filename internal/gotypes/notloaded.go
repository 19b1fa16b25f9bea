package gotypes

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/schema"
)

// builtinFor are the built-in types that hold what a Go type does, which people
// name by its package's name alone or by a path.
var builtinFor = map[string]string{
	"json.RawMessage": "json", "uuid.UUID": "uuid", "uuid.NullUUID": "uuid", "decimal.Decimal": "decimal", "snowflake.ID": "snowflake",
	"date.Date": "date", "civil.Date": "date", "big.Rat": "decimal", "ulid.ULID": "string",
}

var (
	notInStd   = regexp.MustCompile(`is not in std\b`)
	noModule   = regexp.MustCompile(`^(no required module provides package|cannot find module providing package|cannot find package) `)
	noGoFiles  = regexp.MustCompile(`^(no Go files in|build constraints exclude all Go files in) `)
	goPosition = regexp.MustCompile(`(^|[\s(])(/|[A-Za-z]:[\\/])[^\s:()]*[\\/]`)
)

// notLoaded says why the package of a Go type cannot be loaded, of which the go
// command says message, and what to do.
func (l *loader) notLoaded(ref *schema.Ref, message string) string {
	base := ref.Import[strings.LastIndexByte(ref.Import, '/')+1:]
	hint := ""
	if name := builtinFor[base+"."+ref.Name]; name != "" && fieldtype.Named(name) != nil {
		hint = fmt.Sprintf("; the built-in type %q holds the same", name)
	}
	// The first line of what the compiler says is the package.
	if strings.HasPrefix(message, "# ") {
		_, message, _ = strings.Cut(message, "\n")
	}
	_, inModule := strings.CutPrefix(ref.Import+"/", l.module+"/")
	switch {
	case notInStd.MatchString(message) && hint != "":
		return fmt.Sprintf("the standard library has no package %s%s", ref.Import, hint)
	case notInStd.MatchString(message):
		return fmt.Sprintf("the standard library has no package %s: write the whole import path, as in example.com/%s", ref.Import, fullName(ref))
	case inModule && (noModule.MatchString(message) || noGoFiles.MatchString(message)):
		return fmt.Sprintf("the module %s has no package %s", l.module, ref.Import)
	case noModule.MatchString(message):
		return fmt.Sprintf("no module of go.mod provides package %s: run go get %[1]s%s", ref.Import, hint)
	}
	return fmt.Sprintf("package %s cannot be loaded: %s", ref.Import, l.plain(message))
}

// plain returns what the go command says on one line, without the paths of this
// machine.
func (l *loader) plain(message string) string {
	lines := strings.FieldsFunc(message, func(r rune) bool { return r == '\n' })
	message = ""
	for _, line := range lines {
		switch {
		case message == "":
		case strings.HasSuffix(message, ":"):
			message += " "
		default:
			message += "; "
		}
		message += strings.Join(strings.Fields(line), " ")
	}
	if l.root != "" {
		message = strings.ReplaceAll(message, l.root+string(filepath.Separator), "")
		message = strings.ReplaceAll(message, l.root, "the module")
	}
	message = goPosition.ReplaceAllString(message, "$1")
	const most = 400
	if r := []rune(message); len(r) > most {
		message = string(r[:most]) + "…"
	}
	return message
}
