package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A statement is one of SQL that a function or a query consists of.
type statement struct {
	where    string            // the function or query
	sql      string            // without comments, INTO and what belongs to PL/pgSQL
	types    map[string]string // of the variables that it may name, in a function
	settings map[string]string // of the function
}

func (s statement) String() string { return s.where + ":\n" + s.sql }

var (
	sqlComment     = regexp.MustCompile(`--.*`)
	functionHead   = regexp.MustCompile(`(?s)CREATE OR REPLACE FUNCTION jobgen\.(\w+)\((.*?)\)\s*(?:RETURNS|LANGUAGE)`)
	functionBody   = regexp.MustCompile(`(?s)AS \$\$(.*)\$\$`)
	setting        = regexp.MustCompile(`SET (\w+) = '?([^'\s]+)'?`)
	parameter      = regexp.MustCompile(`(?:OUT )?(\w+) ([\w .]+(?:\[\])?)`)
	variable       = regexp.MustCompile(`(?m)^\s*(_\w+) ([\w.]+(?:\[\])?)`)
	beginsControl  = regexp.MustCompile(`^(?s)(?:#\w+ \w+|DECLARE|BEGIN|ELSE|EXCEPTION|LOOP|CASE)\s+`)
	beginsIf       = regexp.MustCompile(`(?s)^(?:IF|ELSIF|WHEN)\b(.*?)\bTHEN\b`)
	beginsFor      = regexp.MustCompile(`(?s)^FOR\s+\w+\s+IN\b(.*?)\bLOOP\b`)
	beginsWhen     = regexp.MustCompile(`^(?s)(?:CONTINUE|EXIT) WHEN\s+`)
	beginsReturn   = regexp.MustCompile(`^RETURN(?: QUERY| NEXT)?\s+`)
	beginsAssign   = regexp.MustCompile(`^\w+(?: [\w.]+(?:\[\])?)? := `)
	isStatement    = regexp.MustCompile(`^(?:SELECT|WITH|INSERT|UPDATE|DELETE|LOCK)\b`)
	intoVariables  = regexp.MustCompile(`(INSERT )?\bINTO\s+\w+(?:\s*,\s*\w+)*`)
	mentionsSelect = regexp.MustCompile(`\bSELECT\b`)
)

// functionStatements are the statements of a function's file.
func functionStatements(t *testing.T, text string) (name string, list []statement) {
	t.Helper()
	text = sqlComment.ReplaceAllString(text, "")
	head, body := functionHead.FindStringSubmatch(text), functionBody.FindStringSubmatch(text)
	if head == nil || body == nil {
		t.Fatalf("no function in\n%s", text)
	}
	name = head[1]
	types, settings := make(map[string]string), make(map[string]string)
	for _, p := range parameter.FindAllStringSubmatch(head[2], -1) {
		types[p[1]] = p[2]
	}
	if declare, _, found := strings.Cut(body[1], "\nBEGIN"); found {
		for _, v := range variable.FindAllStringSubmatch(declare, -1) {
			types[v[1]] = v[2]
		}
	}
	before, _, _ := strings.Cut(text, "AS $$")
	for _, s := range setting.FindAllStringSubmatch(before, -1) {
		settings[s[1]] = s[2]
	}
	for _, part := range split(body[1]) {
		for _, sql := range partStatements(part) {
			list = append(list, statement{"function " + name, sql, types, settings})
		}
	}
	return name, list
}

// split cuts a body at its semicolons, but for those in text.
func split(body string) (parts []string) {
	quoted, from := false, 0
	for i, c := range body {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == ';' && !quoted:
			parts = append(parts, body[from:i])
			from = i + 1
		}
	}
	return append(parts, body[from:])
}

// partStatements are the statements, and the expressions that hold one, of what
// stands between two semicolons.
func partStatements(part string) (list []string) {
	expression := func(e string) {
		if e = strings.TrimSpace(e); isStatement.MatchString(e) {
			list = append(list, e)
		} else if mentionsSelect.MatchString(e) {
			list = append(list, "SELECT ("+e+")")
		}
	}
	for {
		part = strings.TrimSpace(part)
		if m := beginsIf.FindStringSubmatch(part); m != nil {
			expression(m[1])
			part = part[len(m[0]):]
		} else if m := beginsFor.FindStringSubmatch(part); m != nil {
			expression(m[1])
			part = part[len(m[0]):]
		} else if m := beginsControl.FindString(part); m != "" {
			part = part[len(m):]
		} else {
			break
		}
	}
	for _, begins := range []*regexp.Regexp{beginsWhen, beginsReturn, beginsAssign} {
		if m := begins.FindString(part); m != "" {
			expression(part[len(m):])
			return list
		}
	}
	if rest, found := strings.CutPrefix(part, "PERFORM "); found {
		part = "SELECT " + rest
	}
	if isStatement.MatchString(part) {
		list = append(list, intoVariables.ReplaceAllStringFunc(part, func(into string) string {
			if strings.HasPrefix(into, "INSERT") {
				return into
			}
			return ""
		}))
	}
	return list
}

var (
	queryName = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	argument  = regexp.MustCompile(`sqlc\.narg\('(\w+)'\)|@(\w+)`)
)

// queryStatements are the queries of a file.
func queryStatements(text string) (list []statement) {
	places := queryName.FindAllStringSubmatchIndex(text, -1)
	for i, p := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		sql, _, _ := strings.Cut(sqlComment.ReplaceAllString(text[p[1]:end], ""), ";")
		list = append(list, statement{where: "query " + text[p[2]:p[3]], sql: strings.TrimSpace(sql)})
	}
	return list
}

// everyFile is the text of the files that a pattern matches.
func everyFile(t *testing.T, pattern string) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("files %s: %v, %v", pattern, files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// everyStatement is each statement of the functions and queries.
func everyStatement(t *testing.T) (list []statement) {
	t.Helper()
	for _, text := range everyFile(t, "functions/*.sql") {
		_, statements := functionStatements(t, text)
		list = append(list, statements...)
	}
	for _, text := range everyFile(t, "../../queries/postgres/*.sql") {
		list = append(list, queryStatements(text)...)
	}
	return list
}

// numbered is the statement with $1, $2, … for its variables, whose names it
// returns in that order.
func (s statement) numbered() (sql string, names []string) {
	number := func(name string) string {
		i := slices.Index(names, name)
		if i < 0 {
			i = len(names)
			names = append(names, name)
		}
		return fmt.Sprintf("$%d", i+1)
	}
	if s.types == nil {
		return argument.ReplaceAllStringFunc(s.sql, func(a string) string {
			m := argument.FindStringSubmatch(a)
			return number(m[1] + m[2])
		}), names
	}
	sql = regexp.MustCompile(`\b_\w+\b`).ReplaceAllStringFunc(s.sql, func(name string) string {
		if s.types[name] == "" {
			return name
		}
		return "(" + number(name) + "::" + s.types[name] + ")"
	})
	return sql, names
}
