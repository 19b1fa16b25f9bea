package pgproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A connection is one client's, and the proxy's own to the server for it.
type connection struct {
	proxy      *Proxy
	client     net.Conn
	statements statements
	listening  atomic.Bool
	ready      atomic.Bool // the server was ready for a statement once
	cut        atomic.Bool // the server's next replies are withheld, up to where it is ready
	deaf       [2]atomic.Bool
	life       context.Context
	end        context.CancelFunc

	application string // application_name, known once the first message is read

	mu     sync.Mutex
	server net.Conn
	ended  bool
}

// is reports whether the connection is of that kind.
func (c *connection) is(kind Kind) bool {
	return kind == All || (kind == Listening) == c.listening.Load()
}

// reset ends the connection at once, for both sides.
func (c *connection) reset() { c.finish(true) }

// close ends the connection once what is under way has been sent.
func (c *connection) close() { c.finish(false) }

func (c *connection) finish(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	c.end()
	for _, conn := range []net.Conn{c.client, c.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			if reset {
				_ = tcp.SetLinger(0) // closing sends a reset
			}
			_ = tcp.Close()
		}
	}
}

// connect sets the connection to the server.
func (c *connection) connect(server net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errors.Join(net.ErrClosed, server.Close())
	}
	c.server = server
	return nil
}

// serve forwards until either side has ended.
func (c *connection) serve() {
	defer c.close()
	first, err := c.open()
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { defer c.close(); _ = c.forward(ToServer, c.server, c.client, first) })
	both.Go(func() { defer c.close(); _ = c.forward(ToClient, c.client, c.server, message{}) })
	both.Wait()
}

// open reads the client's first message and connects to the server.
func (c *connection) open() (message, error) {
	for {
		first, err := readFirst(c.client)
		if err != nil {
			return message{}, err
		}
		switch first.request() {
		case sslRequest, gssencRequest:
			if _, err := c.client.Write([]byte{'N'}); err != nil {
				return message{}, err
			}
			continue
		}
		if first.request() != cancelRequest {
			c.application = first.parameter("application_name")
			c.proxy.starts(c.application)
		}
		if err := c.wait(ToServer); err != nil {
			return message{}, err
		}
		var dialer net.Dialer
		server, err := dialer.DialContext(c.life, "tcp", c.proxy.target())
		if err != nil {
			return message{}, err
		}
		if err := c.connect(server); err != nil {
			return message{}, err
		}
		if first.request() == cancelRequest {
			_, err := server.Write(first.raw)
			return message{}, errors.Join(err, io.EOF)
		}
		return first, nil
	}
}

// forward passes on one direction, message by message.
func (c *connection) forward(d Direction, to, from net.Conn, next message) error {
	withhold := false
	for {
		if next.raw == nil {
			var err error
			if next, err = readMessage(from); err != nil {
				return err
			}
		}
		m := next
		next = message{}
		if d == ToServer {
			if m.kind != 0 && c.statements.sent(m) {
				c.listening.Store(true)
			}
		} else if sql, complete := c.statements.replied(m); complete {
			switch c.proxy.counts(c, sql) {
			case cutBefore:
				withhold = true
			case cutAfter:
				c.cut.Store(true)
			}
		}
		if err := c.wait(d); err != nil {
			return err
		}
		if d == ToClient && m.kind == 'Z' && !c.ready.Swap(true) {
			c.proxy.becomesReady(c.application)
		}
		if withhold {
			if m.kind == 'Z' { // the transaction is over, and nobody will know
				c.reset()
				return nil
			}
			if _, err := io.CopyN(io.Discard, from, m.rest); err != nil {
				return err
			}
			continue
		}
		if _, err := to.Write(m.raw); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, m.rest); err != nil {
			return err
		}
		if d == ToClient && m.kind == 'Z' && c.cut.Load() {
			c.close()
			return nil
		}
	}
}

// wait holds a message back for as long as a fault wants it.
func (c *connection) wait(d Direction) error {
	for {
		if c.deaf[d].Load() {
			<-c.life.Done()
			return c.life.Err()
		}
		delay, changed := c.proxy.obstacle(c, d)
		if changed == nil && delay == 0 {
			return nil
		}
		var after <-chan time.Time
		if changed == nil {
			after = time.After(delay)
		}
		select {
		case <-after:
			return nil
		case <-changed:
		case <-c.life.Done():
			return c.life.Err()
		}
	}
}
