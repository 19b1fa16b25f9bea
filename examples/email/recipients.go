package main

import (
	"bufio"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed recipients.csv
var sample embed.FS

// sampleList is the list that ships with the program.
const sampleList = "recipients.csv"

// A recipient is one good row of the list.
type recipient struct{ email, name string }

// readRecipients reads the CSV file at path, or the sample where path is
// empty. It returns the good rows and a message that names file and line for
// each bad one; the error is for a file that is not a list.
func readRecipients(path string) (people []recipient, bad []string, err error) {
	var file io.ReadCloser
	if path == "" {
		path = sampleList
		file, err = sample.Open(path)
	} else {
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	return parseRecipients(path, file)
}

// parseRecipients reads one row a line. A quote that is never closed then costs
// its own row, and not all that follow.
func parseRecipients(path string, file io.Reader) (people []recipient, bad []string, err error) {
	lines := bufio.NewReader(file)
	columns, emailAt, nameAt := 0, -1, -1
	seen := make(map[string]int) // address in lower case → line
	for number := 1; ; number++ {
		line, end := lines.ReadString('\n')
		if end != nil && !errors.Is(end, io.EOF) {
			return nil, nil, fmt.Errorf("read %s: %w", path, end)
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "": // an empty line is no row
		case columns == 0:
			header, err := parseLine(strings.ToLower(strings.TrimPrefix(line, "\ufeff")))
			if err != nil {
				return nil, nil, fmt.Errorf("%s:%d: read the header row: %w", path, number, err)
			}
			columns, emailAt, nameAt = len(header), slices.Index(header, "email"), slices.Index(header, "name")
			if emailAt < 0 || nameAt < 0 {
				return nil, nil, fmt.Errorf("%s:%d: the header has the columns %q; email and name are needed", path, number, header)
			}
		default:
			person, err := parseRow(line, columns, emailAt, nameAt)
			key := strings.ToLower(person.email)
			if first, ok := seen[key]; ok && err == nil {
				err = fmt.Errorf("%s is on line %d already", person.email, first)
			}
			if err != nil {
				bad = append(bad, fmt.Sprintf("%s:%d: row left out: %v", path, number, err))
				break
			}
			seen[key] = number
			people = append(people, person)
		}
		if end == nil {
			continue
		}
		if columns == 0 {
			return nil, nil, fmt.Errorf("%s: the file is empty; a header row with the columns email and name is needed", path)
		}
		return people, bad, nil
	}
}

// parseLine returns the fields of one line, without the space around them.
func parseLine(line string) ([]string, error) {
	if strings.Count(line, `"`)%2 != 0 {
		return nil, errors.New("a quote opens and does not close on this line; write each row on one line")
	}
	rows := csv.NewReader(strings.NewReader(line))
	rows.TrimLeadingSpace = true
	fields, err := rows.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("column %d: %w", syntax.Column, syntax.Err)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, err
}

func parseRow(line string, columns, emailAt, nameAt int) (recipient, error) {
	if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
		return recipient{}, errors.New("the line must be UTF-8 text without control characters")
	}
	row, err := parseLine(line)
	if err != nil {
		return recipient{}, err
	}
	if len(row) != columns {
		return recipient{}, fmt.Errorf("%d fields where the header has %d", len(row), columns)
	}
	email := row[emailAt]
	if email == "" {
		return recipient{}, errors.New("the address is empty")
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email {
		return recipient{}, fmt.Errorf("%q is not a valid e-mail address", email)
	}
	return recipient{email: email, name: row[nameAt]}, nil
}
