package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// An event is what processes notify each other of. No event is needed for
// correctness: whoever misses one finds out by polling.
type event byte

const (
	jobArrived    event = 'a' // a job may be claimable, now or at another time than before
	claimsRevoked event = 'r' // a claim may have ended without its handler
)

// wake wakes those of this process who wait.
func (e event) wake(s *queueState) {
	if e == claimsRevoked {
		s.revoked.Wake()
		return
	}
	s.arrived.Wake()
}

// message is the event as a notification's payload: kind, queue and, where
// the sender has woken its own waiters already, the sender.
func (e event) message(queue int32, sender string) string {
	return fmt.Sprintf("%c %d %s", e, queue, sender)
}

// parseMessage reads what message wrote, by this version or another.
func parseMessage(s string) (e event, queue int32, sender string, ok bool) {
	kind, rest, _ := strings.Cut(s, " ")
	number, sender, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || len(kind) != 1 {
		return 0, 0, "", false
	}
	return event(kind[0]), int32(n), sender, true
}

// channelName is the channel of all queues of a schema.
func channelName(schema string) string {
	name := "jobgen_" + schema
	if len(name) <= maxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(schema))
	return "jobgen_" + hex.EncodeToString(sum[:16])
}

// A notifier sends notifications of committed changes, outside any
// transaction and with equal ones coalesced: a NOTIFY inside each would make
// their commits wait for one another. The first goes out at once, later ones
// with the next after a pause.
type notifier struct {
	db      *pgdb.Queries
	channel string
	sender  string

	mu      sync.Mutex
	pending map[notice]bool
	running bool
	closed  bool
	idle    sync.WaitGroup
	stop    chan struct{}
	life    context.Context // ends soon after close has been called
	end     context.CancelFunc
}

// A notice is an event of a queue.
type notice struct {
	event event
	queue int32
}

const (
	notifyPause   = 10 * time.Millisecond
	notifyTimeout = 5 * time.Second
)

func newNotifier(db *pgdb.Queries, channel string) *notifier {
	n := &notifier{db: db, channel: channel, sender: randomText(), pending: make(map[notice]bool), stop: make(chan struct{})}
	n.life, n.end = context.WithCancel(context.Background())
	return n
}

// send queues a notification.
func (n *notifier) send(e event, queue int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.pending[notice{e, queue}] = true
	if !n.running {
		n.running = true
		n.idle.Go(n.run)
	}
}

// run sends until nothing is left to send.
func (n *notifier) run() {
	returned := false
	defer func() {
		if !returned { // a hook has ended the goroutine; the next event begins another
			n.mu.Lock()
			defer n.mu.Unlock()
			n.running = false
		}
	}()
	for {
		n.mu.Lock()
		if len(n.pending) == 0 {
			n.running = false
			n.mu.Unlock()
			returned = true
			return
		}
		messages := make([]string, 0, len(n.pending))
		for one := range n.pending {
			messages = append(messages, one.event.message(one.queue, n.sender))
		}
		clear(n.pending)
		n.mu.Unlock()

		ctx, cancel := context.WithTimeout(n.life, notifyTimeout)
		// An error is not reported: whoever misses a notification polls, and
		// whatever ails the database shows in what callers wait for.
		_ = n.db.NotifyNow(ctx, pgdb.NotifyNowParams{Channel: n.channel, Payloads: messages})
		cancel()
		select {
		case <-time.After(notifyPause):
		case <-n.stop:
		}
	}
}

// close sends what is left and ends, at the latest after closePatience.
func (n *notifier) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	close(n.stop)
	giveUp := time.AfterFunc(closePatience, n.end)
	n.idle.Wait()
	giveUp.Stop()
	n.end()
}

// notify wakes those who wait, in this process and others.
func (q *queue) notify(e event) {
	e.wake(q.state)
	q.notifier.send(e, q.number)
}

// tell is notify or, inside a transaction, a notification that goes out when
// that commits. Nothing remembers that it was sent, since a savepoint may take it
// back; the server sends equal ones once.
func (q *queue) tell(ctx context.Context, e event) error {
	switch {
	case q.tx == nil:
		q.notify(e)
		return nil
	case q.listener == nil:
		return nil // a transaction with NOTIFY in it cannot be prepared
	}
	err := q.db.Notify(ctx, pgdb.NotifyParams{Channel: q.notifier.channel, Payload: e.message(q.number, "")})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// notifying returns the statements of a bound queue, of which those that add jobs
// send a notification as well.
func (q *queue) notifying(e event) *pgdb.Queries {
	if q.listener == nil {
		return q.db
	}
	return pgdb.New(inSchema{notifyingTx{q.tx, q.notifier.channel, e.message(q.number, "")}, q.schema})
}

// notifyingTx adds a notification to each INSERT that it runs, for which it
// takes no round trip of its own. Equal ones of many rows go out once.
type notifyingTx struct {
	*boundTx
	channel, message string
}

func (t notifyingTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	n := len(args)
	sql += fmt.Sprintf("\nRETURNING pg_notify($%d, $%d)", n+1, n+2)
	return t.boundTx.Exec(ctx, sql, append(args[:n:n], t.channel, t.message)...)
}
