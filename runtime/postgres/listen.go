package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A listener hears the notifications of other processes, on one connection
// for all queues. It begins when somebody first waits. When the connection is
// lost it is made anew, with growing pauses, and everybody is woken, since
// something may have been missed.
type listener struct {
	pool    *pgxpool.Pool
	channel string
	self    string
	hubs    *hubs

	processes func() int // how many there are, this one included

	once   sync.Once
	life   context.Context
	cancel context.CancelFunc
	task   sync.WaitGroup
}

const (
	listenPing    = 30 * time.Second // a dead connection is noticed after that
	listenTimeout = 10 * time.Second // of one step of connecting or pinging
	listenBackoff = 50 * time.Millisecond
	listenMaxWait = 5 * time.Second
)

func newListener(pool *pgxpool.Pool, n *notifier, h *hubs) *listener {
	l := &listener{pool: pool, channel: n.channel, self: n.sender, hubs: h}
	l.life, l.cancel = context.WithCancel(context.Background())
	return l
}

// start begins to listen, if that has not begun. It does not wait: whoever
// waits is woken once LISTEN is in force.
func (l *listener) start() {
	l.once.Do(func() { l.task.Go(l.run) })
}

// close ends listening, now or for good.
func (l *listener) close() {
	l.cancel()
	l.once.Do(func() {})
	l.task.Wait()
}

func (l *listener) run() {
	wait := listenBackoff
	for l.life.Err() == nil {
		if heard := l.listen(); heard {
			wait = listenBackoff
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-l.life.Done():
		}
		wait = min(2*wait, listenMaxWait)
	}
}

// listen hears notifications until the connection is lost, and reports
// whether there was one.
func (l *listener) listen() (heard bool) {
	conn, err := l.connect()
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), listenTimeout)
		defer cancel()
		conn.Close(ctx)
	}()
	l.hubs.each(func(h *hub) {
		jobArrived.ring(h)
		claimsRevoked.ring(h)
	})
	for {
		ctx, cancel := context.WithTimeout(l.life, listenPing)
		note, err := conn.WaitForNotification(ctx)
		cancel()
		switch {
		case err == nil:
			if note.Channel == l.channel {
				l.hear(note.Payload)
			}
		case l.life.Err() != nil:
			return true
		case errors.Is(err, context.DeadlineExceeded):
			ctx, cancel := context.WithTimeout(l.life, listenTimeout)
			err := conn.Ping(ctx)
			cancel()
			if err != nil {
				return true
			}
		default:
			return true
		}
	}
}

// connect takes a connection out of the pool, so that it comes with all that
// the pool's hooks do, and listens.
func (l *listener) connect() (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(l.life, listenTimeout)
	defer cancel()
	pooled, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	conn := pooled.Hijack()
	if _, err := conn.Exec(ctx, "LISTEN "+quote(l.channel), pgx.QueryExecModeSimpleProtocol); err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func (l *listener) hear(payload string) {
	e, queue, sender, ok := parseMessage(payload)
	if !ok || sender == l.self {
		return
	}
	l.hubs.mu.Lock()
	h := l.hubs.byNumber[queue]
	l.hubs.mu.Unlock()
	switch {
	case h == nil:
	case e != jobArrived:
		e.ring(h)
	case sender == "":
		// A transaction has added it, perhaps long before it was committed.
		h.forget()
		e.ring(h)
	case h.crowd.answers(l.processes()):
		e.ring(h)
	}
}
