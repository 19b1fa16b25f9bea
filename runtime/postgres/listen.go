package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A listener receives the notifications of other processes, on one connection
// for all queues. It begins when somebody first waits. When the connection is
// lost it is made anew and everybody is woken, since something may have been
// missed.
type listener struct {
	db      *database
	channel string
	self    string

	once   sync.Once
	life   context.Context
	cancel context.CancelFunc
	task   sync.WaitGroup

	mu        sync.Mutex
	interrupt context.CancelFunc // ends the wait for a notification
}

const (
	listenPing    = 30 * time.Second // a dead connection is noticed after that
	listenTimeout = 2 * time.Second  // of connecting, or of a ping
	listenRefused = 5 * time.Second  // until the next try where the server refuses to let it listen
)

func newListener(d *database) *listener {
	l := &listener{db: d, channel: d.notifier.channel, self: d.notifier.sender}
	l.life, l.cancel = context.WithCancel(context.Background())
	return l
}

// start begins to listen, if that has not begun. It does not wait: whoever
// waits is woken once LISTEN is in force.
func (l *listener) start() {
	l.once.Do(func() { l.task.Go(func() { untilReturned(l.life, l.run) }) })
}

// close ends listening, now or for good.
func (l *listener) close() {
	l.cancel()
	l.once.Do(func() {})
	l.task.Wait()
}

func (l *listener) run() {
	for l.life.Err() == nil {
		wait := probeWait()
		if state := sqlState(l.listen()); state != "" && !away(state) {
			wait = listenRefused
		}
		select {
		case <-time.After(wait):
		case <-l.life.Done():
		}
	}
}

// verify has the connection looked at, which may have been lost without a word.
func (l *listener) verify() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupt != nil {
		l.interrupt()
	}
}

// wait returns the next notification, or an error when it is time to look at
// the connection.
func (l *listener) wait(conn *pgx.Conn) (*pgconn.Notification, error) {
	ctx, cancel := context.WithTimeout(l.life, listenPing)
	defer cancel()
	l.mu.Lock()
	l.interrupt = cancel
	l.mu.Unlock()
	return conn.WaitForNotification(ctx)
}

// listen receives notifications until the connection is lost, and returns why.
func (l *listener) listen() error {
	conn, err := l.connect()
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), listenTimeout)
		defer cancel()
		conn.Close(ctx)
	}()
	l.db.states.wakeAll()
	for {
		note, err := l.wait(conn)
		switch {
		case err == nil:
			if note.Channel == l.channel {
				l.received(note.Payload)
			}
		case l.life.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
			ctx, cancel := context.WithTimeout(l.life, listenTimeout)
			err := conn.Ping(ctx)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
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
	listens := false
	defer func() {
		if !listens {
			conn.Close(ctx)
		}
	}()
	_, err = conn.Exec(ctx, "LISTEN "+quote(l.channel), pgx.QueryExecModeSimpleProtocol)
	listens = err == nil
	return conn, err
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
