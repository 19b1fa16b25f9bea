package pgproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// A Kind selects connections.
type Kind int

const (
	// All are all connections.
	All Kind = iota
	// Listening are those that have sent a LISTEN statement.
	Listening
	// Working are those that have not.
	Working
)

// A Direction is a way that messages go.
type Direction int

// The two ways.
const (
	ToServer Direction = iota
	ToClient
)

// A Proxy accepts connections on a port of this machine and forwards them to a
// server. Its methods may be called at once.
type Proxy struct {
	listener net.Listener
	accepted atomic.Int64
	tasks    sync.WaitGroup

	mu          sync.Mutex
	server      string
	started     map[string]int64 // sessions by application_name
	ready       map[string]int64 // of them those that the server took
	connections map[*connection]bool
	obstacles   map[*obstacle]bool
	changed     chan struct{} // closed and made anew when obstacles change
	cuts        map[*Cut]bool
	closed      bool
}

// An obstacle slows messages down, or stops them.
type obstacle struct {
	kind       Kind
	directions []Direction
	delay      time.Duration // 0 stops them
}

// Start begins to forward connections to the server at that host and port.
func Start(server string) (*Proxy, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy for %s: %w", server, err)
	}
	p := &Proxy{
		listener: listener, server: server, connections: make(map[*connection]bool), started: make(map[string]int64), ready: make(map[string]int64),
		obstacles: make(map[*obstacle]bool), changed: make(chan struct{}), cuts: make(map[*Cut]bool),
	}
	p.tasks.Go(p.accept)
	return p, nil
}

// StartFor is Start for the server of a URL, and returns the same URL with the
// proxy's address.
func StartFor(dsn string) (*Proxy, string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, "", fmt.Errorf("start a proxy: %w", err)
	}
	p, err := Start(u.Host)
	if err != nil {
		return nil, "", err
	}
	u.Host = p.Addr()
	return p, u.String(), nil
}

// Addr is the host and port that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted is how many connections there have been so far.
func (p *Proxy) Accepted() int64 { return p.accepted.Load() }

// Started is how many sessions clients of that application_name have tried to
// begin so far. Requests to cancel a statement are none.
func (p *Proxy) Started(application string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started[application]
}

// Ready is how many of those sessions have become ready for a statement.
func (p *Proxy) Ready(application string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready[application]
}

func (p *Proxy) starts(application string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started[application]++
}

func (p *Proxy) becomesReady(application string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready[application]++
}

// Redirect makes later connections go to another server; those that are open
// are reset.
func (p *Proxy) Redirect(server string) {
	p.mu.Lock()
	p.server = server
	p.mu.Unlock()
	p.Reset(All)
}

func (p *Proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

// Close resets all connections and returns when nothing is left of them.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Reset(All)
	p.tasks.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a client that has gone again
		}
		p.accepted.Add(1)
		c := &connection{proxy: p, client: client}
		c.statements.prepared, c.statements.portals = make(map[string]string), make(map[string]string)
		c.life, c.end = context.WithCancel(context.Background())
		p.mu.Lock()
		closed := p.closed
		if !closed {
			p.connections[c] = true
		}
		p.mu.Unlock()
		if closed {
			c.reset()
			return
		}
		p.tasks.Go(func() {
			c.serve()
			p.mu.Lock()
			delete(p.connections, c)
			p.mu.Unlock()
		})
	}
}

// of returns the open connections of a kind.
func (p *Proxy) of(kind Kind) []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*connection
	for c := range p.connections {
		if c.is(kind) {
			list = append(list, c)
		}
	}
	return list
}

// Open is how many connections of a kind there are.
func (p *Proxy) Open(kind Kind) int { return len(p.of(kind)) }

// Reset ends the open connections of a kind, and returns how many there were.
func (p *Proxy) Reset(kind Kind) int {
	list := p.of(kind)
	for _, c := range list {
		c.reset()
	}
	return len(list)
}

// HalfOpen makes the open connections of a kind silent for good: what either
// side sends from now on never arrives, and neither learns of it. Later
// connections work. It returns how many there were.
func (p *Proxy) HalfOpen(kind Kind) int {
	list := p.of(kind)
	for _, c := range list {
		c.deaf[ToServer].Store(true)
		c.deaf[ToClient].Store(true)
	}
	p.wake()
	return len(list)
}

// Hold stops the messages of a kind of connection in these directions, later
// connections included, until release is called; then they arrive. Held in
// both directions the network is a black hole, in one it is a one-way hole.
func (p *Proxy) Hold(kind Kind, directions ...Direction) (release func()) {
	return p.place(&obstacle{kind: kind, directions: directions})
}

// Delay makes each message of a kind of connection take that much longer, in
// either direction, until release is called.
func (p *Proxy) Delay(kind Kind, d time.Duration) (release func()) {
	return p.place(&obstacle{kind: kind, directions: []Direction{ToServer, ToClient}, delay: d})
}

func (p *Proxy) place(o *obstacle) (release func()) {
	p.mu.Lock()
	p.obstacles[o] = true
	p.mu.Unlock()
	p.wake()
	return func() {
		p.mu.Lock()
		delete(p.obstacles, o)
		p.mu.Unlock()
		p.wake()
	}
}

// wake makes every message that is held back look at the obstacles again.
func (p *Proxy) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

// obstacle returns how long a message has to wait, or a channel that is closed
// when it may look again.
func (p *Proxy) obstacle(c *connection, d Direction) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var delay time.Duration
	for o := range p.obstacles {
		for _, direction := range o.directions {
			if direction != d || !c.is(o.kind) {
				continue
			}
			if o.delay == 0 {
				return 0, p.changed
			}
			delay += o.delay
		}
	}
	return delay, nil
}
