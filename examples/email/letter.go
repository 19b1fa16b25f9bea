package main

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	gomail "github.com/wneessen/go-mail"

	"github.com/jobgen/jobgen/runtime"
)

//go:embed letters
var letters embed.FS

// fromAddress is who the letters come from.
const fromAddress = "newsletter@jobgen.example"

// A letter is a template: its first line is the subject, the rest the body.
type letter struct{ subject, body *template.Template }

// letterNames lists the letters that ship with the program.
func letterNames() string {
	entries, _ := letters.ReadDir("letters") // embedded, so it is there
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".txt")
	}
	return strings.Join(names, ", ")
}

func loadLetter(name string) (*letter, error) {
	text, err := letters.ReadFile("letters/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("there is no letter %q; there are: %s", name, letterNames())
	}
	subject, body, _ := strings.Cut(string(text), "\n")
	l := &letter{}
	if l.subject, err = template.New("subject").Parse(strings.TrimPrefix(subject, "Subject: ")); err != nil {
		return nil, err
	}
	if l.body, err = template.New("body").Parse(strings.TrimLeft(body, "\n")); err != nil {
		return nil, err
	}
	return l, nil
}

// render makes the message that job sends to person. Its Message-ID is the
// job's, so that a receiver can tell a repeated e-mail from a second one.
func (l *letter) render(job *runtime.Job, person recipient) (*gomail.Msg, error) {
	var subject, body strings.Builder
	data := struct{ Name, Email string }{person.name, person.email}
	if data.Name == "" {
		data.Name = "reader"
	}
	if err := l.subject.Execute(&subject, data); err != nil {
		return nil, err
	}
	if err := l.body.Execute(&body, data); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	if err := msg.From(fromAddress); err != nil {
		return nil, err
	}
	if err := msg.AddToFormat(person.name, person.email); err != nil {
		return nil, err
	}
	msg.SetMessageIDWithValue(fmt.Sprintf("job-%d@jobgen.example", job.ID))
	msg.SetDate()
	msg.Subject(subject.String())
	msg.SetBodyString(gomail.TypeTextPlain, body.String())
	return msg, nil
}
