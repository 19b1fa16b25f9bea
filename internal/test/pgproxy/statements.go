package pgproxy

import (
	"strings"
	"sync"
)

// Statements follow what a client asks for, so that each reply of the server's
// can be put beside the statement that it answers.
type statements struct {
	mu       sync.Mutex
	prepared map[string]string // SQL by the name of the prepared statement
	portals  map[string]string // SQL by the name of the portal
	pending  []asked
}

// An asked is a statement whose reply is still to come, or a sync, before
// which everything that failed ends.
type asked struct {
	sql    string
	simple bool // answered by as many replies as it holds commands, up to the next ReadyForQuery
	sync   bool
}

// sent takes note of a client's message, and reports whether it begins to
// listen for notifications.
func (s *statements) sent(m message) (listens bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.kind {
	case 'P':
		name, rest := text(m.body())
		sql, _ := text(rest)
		s.prepared[name] = sql
	case 'B':
		portal, rest := text(m.body())
		name, _ := text(rest)
		s.portals[portal] = s.prepared[name]
	case 'E':
		portal, _ := text(m.body())
		sql := s.portals[portal]
		s.pending = append(s.pending, asked{sql: sql})
		return isListen(sql)
	case 'Q':
		sql, _ := text(m.body())
		s.pending = append(s.pending, asked{sql: sql, simple: true}, asked{sync: true})
		return isListen(sql)
	case 'S':
		s.pending = append(s.pending, asked{sync: true})
	}
	return false
}

func isListen(sql string) bool {
	return len(sql) >= 7 && strings.EqualFold(sql[:7], "LISTEN ")
}

// replied takes note of a server's message, and returns the statement that it
// is the end of.
func (s *statements) replied(m message) (sql string, complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.kind {
	case 'C', 'I', 's': // complete, empty, suspended
		if len(s.pending) == 0 || s.pending[0].sync {
			return "", m.kind == 'C'
		}
		sql = s.pending[0].sql
		if !s.pending[0].simple {
			s.pending = s.pending[1:]
		}
		return sql, m.kind == 'C'
	case 'Z': // ready: what has not been answered was skipped
		for len(s.pending) > 0 {
			last := s.pending[0].sync
			s.pending = s.pending[1:]
			if last {
				break
			}
		}
	}
	return "", false
}
