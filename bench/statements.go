package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are how often a database was asked what, by the name that sqlc
// gave a statement or by its first word. The pool asks whether a connection is
// alive, by an empty statement, before it hands out one that has been idle for
// a second; such a ping counts under what the connection was wanted for.
type statements struct {
	asked, pings map[string]int
	listenPings  int // by connections that listen
}

// total counts everything, with pings.
func (s *statements) total() (n int) {
	n = s.listenPings
	for _, by := range []map[string]int{s.asked, s.pings} {
		for _, of := range by {
			n += of
		}
	}
	return n
}

func (s *statements) allPings() int {
	n := s.listenPings
	for _, of := range s.pings {
		n += of
	}
	return n
}

// logged has the server log every statement of the database that open opens.
func (s *server) logged(open func(context.Context, place) (queue, error)) func(context.Context, place) (queue, error) {
	return func(ctx context.Context, at place) (queue, error) {
		if s.logFile == "" {
			return nil, fmt.Errorf("statements are counted in the log of a server of the bench's own: %w", errMissing)
		}
		name, err := at.database()
		if err != nil {
			return nil, err
		}
		if _, err := s.admin.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" SET log_statement = 'all'"); err != nil {
			return nil, fmt.Errorf("log the statements of %s: %w", name, err)
		}
		return open(ctx, at)
	}
}

// database is the name of a place's database on a server of the bench's own.
func (p place) database() (string, error) {
	u, err := url.Parse(p.dsn)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(u.Path, "/"), nil
}

// logEnd is where the log ends now.
func (s *server) logEnd() (int64, error) {
	info, err := os.Stat(s.logFile)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// statements counts those of a place's database that were logged since the log
// ended at from.
func (s *server) statements(at place, from int64) (*statements, error) {
	name, err := at.database()
	if err != nil {
		return nil, err
	}
	log, err := os.ReadFile(s.logFile)
	if err != nil {
		return nil, err
	}
	if int64(len(log)) < from {
		return nil, errors.New("the server's log has become shorter")
	}
	return countStatements(log, int(from), name)
}

// logPrefix is the server's log_line_prefix: process and database.
const logPrefix = "%p %d "

// countStatements counts the statements in log from an offset on. What stands
// before says which processes listen.
func countStatements(log []byte, from int, database string) (*statements, error) {
	s := &statements{asked: make(map[string]int), pings: make(map[string]int)}
	listens := make(map[string]bool) // by process
	pinged := make(map[string]int)   // and not asked anything yet
	at := 0
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		count := at >= from
		at += len(lines.Bytes()) + 1
		process, rest, _ := strings.Cut(line, " ")
		rest, ofDatabase := strings.CutPrefix(rest, database+" LOG:  ")
		kind, sql, found := strings.Cut(rest, ": ")
		if !ofDatabase || !found || kind != "statement" && !strings.HasPrefix(kind, "execute ") {
			continue // the statement's further lines, its parameters, another message
		}
		name := statementName(sql)
		switch {
		case name == "LISTEN":
			listens[process] = true
		case name == "ping" && count && listens[process]:
			s.listenPings++
		case name == "ping" && count:
			pinged[process]++
		}
		if count && name != "ping" {
			s.asked[name]++
			s.pings[name] += pinged[process]
			delete(pinged, process)
		}
	}
	return s, lines.Err()
}

func statementName(sql string) string {
	if sql == "-- ping" {
		return "ping"
	}
	words := strings.Fields(strings.TrimPrefix(sql, "-- name: "))
	if len(words) == 0 {
		return "empty"
	}
	return words[0]
}
