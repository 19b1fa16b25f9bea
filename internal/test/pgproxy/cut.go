package pgproxy

import "strings"

// A Cut ends connections at the end of statements, see [Proxy.Cut].
type Cut struct {
	// Kind selects connections.
	Kind Kind
	// Statement is a part of the SQL of the statements that count; empty
	// counts all.
	Statement string
	// Every says that each Every-th of them is cut; 0 and 1 cut all.
	Every int
	// Times is how many are cut; 0 has no end.
	Times int
	// Reply lets the reply through: the connection ends after it. Otherwise
	// the client never learns that the statement was complete, although its
	// transaction has ended.
	Reply bool

	seen, done int
}

type decision int

const (
	pass decision = iota
	cutBefore
	cutAfter
)

// Cut begins to cut connections as c says, counting CommandCompletes from now
// on and over all connections. Stop ends it and returns how many were cut.
func (p *Proxy) Cut(c Cut) (stop func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts[&c] = true
	return func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.cuts, &c)
		return c.done
	}
}

// counts decides on a statement that is complete.
func (p *Proxy) counts(conn *connection, sql string) decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := pass
	for c := range p.cuts {
		if !conn.is(c.Kind) || !strings.Contains(sql, c.Statement) || c.Times > 0 && c.done >= c.Times {
			continue
		}
		if c.seen++; c.seen%max(c.Every, 1) != 0 {
			continue
		}
		c.done++
		if !c.Reply {
			d = cutBefore
		} else if d == pass {
			d = cutAfter
		}
	}
	return d
}
