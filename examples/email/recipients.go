package main

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"slices"
	"strings"
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
// each bad one; the error is for a file that is no list at all.
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

func parseRecipients(path string, file io.Reader) (people []recipient, bad []string, err error) {
	rows := csv.NewReader(file)
	rows.FieldsPerRecord = -1 // a short row is a bad row, not the end of the file
	rows.TrimLeadingSpace = true
	header, err := rows.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s:1: no header row with the columns email and name: %w", path, err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(header[i], "\ufeff")))
	}
	emailAt, nameAt := slices.Index(header, "email"), slices.Index(header, "name")
	if emailAt < 0 || nameAt < 0 {
		return nil, nil, fmt.Errorf("%s:1: the header has the columns %q; email and name are needed", path, header)
	}

	seen := make(map[string]int) // address in lower case → line
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return people, bad, nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			bad = append(bad, fmt.Sprintf("%s:%d: row left out: %v", path, syntax.StartLine, syntax.Err))
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		person, err := parseRow(row, len(header), emailAt, nameAt)
		if err == nil {
			if first, ok := seen[strings.ToLower(person.email)]; ok {
				err = fmt.Errorf("%s is on line %d already", person.email, first)
			}
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s:%d: row left out: %v", path, line, err))
			continue
		}
		seen[strings.ToLower(person.email)] = line
		people = append(people, person)
	}
}

func parseRow(row []string, columns, emailAt, nameAt int) (recipient, error) {
	if len(row) != columns {
		return recipient{}, fmt.Errorf("%d fields where the header has %d", len(row), columns)
	}
	for _, field := range row {
		if !utf8.ValidString(field) || strings.ContainsRune(field, 0) {
			return recipient{}, errors.New("it is not UTF-8 text")
		}
	}
	email := strings.TrimSpace(row[emailAt])
	if email == "" {
		return recipient{}, errors.New("the address is empty")
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email {
		return recipient{}, fmt.Errorf("%q is no e-mail address", email)
	}
	return recipient{email: email, name: strings.TrimSpace(row[nameAt])}, nil
}
