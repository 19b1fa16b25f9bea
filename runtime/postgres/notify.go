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

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// An event is what processes tell each other about a queue. No event is
// needed for correctness: whoever misses one finds out by polling.
type event byte

const (
	jobArrived    event = 'a' // a job may be claimable, now or at another time than before
	claimsRevoked event = 'r' // a claim may have ended without its handler
)

// ring tells this process's waiters.
func (e event) ring(h *hub) {
	if e == claimsRevoked {
		h.revoked.Wake()
		return
	}
	h.arrived.Wake()
}

// message is the event as a notification's payload: kind, queue and, where
// the sender has rung its own bells already, the sender.
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
	pending map[string]bool
	running bool
	closed  bool
	idle    sync.WaitGroup
	stop    chan struct{}
}

const (
	notifyPause   = 10 * time.Millisecond
	notifyTimeout = 5 * time.Second
)

func newNotifier(db *pgdb.Queries, channel string) *notifier {
	return &notifier{db: db, channel: channel, sender: randomText(), pending: make(map[string]bool), stop: make(chan struct{})}
}

// send queues a notification.
func (n *notifier) send(e event, queue int32) {
	message := e.message(queue, n.sender)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.pending[message] = true
	if !n.running {
		n.running = true
		n.idle.Go(n.run)
	}
}

// run sends until nothing is left to send.
func (n *notifier) run() {
	for {
		n.mu.Lock()
		if len(n.pending) == 0 {
			n.running = false
			n.mu.Unlock()
			return
		}
		messages := make([]string, 0, len(n.pending))
		for message := range n.pending {
			messages = append(messages, message)
		}
		clear(n.pending)
		n.mu.Unlock()

		ctx, cancel := context.WithTimeout(context.Background(), notifyTimeout)
		// An error is not reported: what was to be told is found by polling,
		// and whatever ails the database shows in what callers wait for.
		_ = n.db.NotifyNow(ctx, pgdb.NotifyNowParams{Channel: n.channel, Payloads: messages})
		cancel()
		select {
		case <-time.After(notifyPause):
		case <-n.stop:
		}
	}
}

// close sends what is left and ends.
func (n *notifier) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	close(n.stop)
	n.idle.Wait()
}

// ring tells those who wait, in this process and others.
func (q *storeQueue) ring(e event) {
	e.ring(q.hub)
	q.notifier.send(e, q.number)
}
