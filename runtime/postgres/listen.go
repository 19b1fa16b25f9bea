package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A listener hears the notifications of other processes, on one connection
// for all queues. It begins when somebody first waits. When the connection is
// lost it is made anew, with growing pauses, and everybody is woken, since
// something may have been missed.
type listener struct {
	db      *database
	channel string
	self    string

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

func newListener(d *database) *listener {
	l := &listener{db: d, channel: d.notifier.channel, self: d.notifier.sender}
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
	l.db.states.wakeAll()
	for {
		ctx, cancel := context.WithTimeout(l.life, listenPing)
		note, err := conn.WaitForNotification(ctx)
		cancel()
		switch {
		case err == nil:
			if note.Channel == l.channel {
				l.received(note.Payload)
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
	pooled, err := l.db.server.pool.Acquire(ctx)
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

// received acts on a notification.
func (l *listener) received(payload string) {
	e, queue, sender, ok := parseMessage(payload)
	if !ok || sender == l.self {
		return
	}
	state := l.db.states.known(queue)
	switch {
	case state == nil:
	case e != jobArrived:
		e.wake(state)
	case sender == "":
		// A transaction has added it, perhaps long before it was committed.
		state.sweepSoon()
		e.wake(state)
	case state.damping.answers(l.db.ids.processes()):
		e.wake(state)
	}
}
