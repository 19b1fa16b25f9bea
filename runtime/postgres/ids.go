package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// An idSource mints snowflake ids under a node number that it leases from the
// database, so that no two processes ever mint the same.
//
// The lease is also the process's sign of life: workers of a process that has
// not renewed it for leaseTime count as gone, and their claims are taken over.
type idSource struct {
	db     *database
	holder pgtype.UUID // this process, whatever number it holds

	leasing chan struct{} // holds a value while a caller takes a lease

	mu    sync.Mutex
	lease *nodeLease // nil for a role that may not have one, which only reads
	heard time.Time  // when the database last answered a renewal
	since time.Time  // and since when it always has
	peers int        // processes that held a lease then
	names *registry
}

// A nodeLease is one number, held until a time of this process's monotonic
// clock that lies before the end of the lease in the database.
type nodeLease struct {
	node   *snowflake.Node
	number int16
	until  time.Time
	ends   pgtype.Timestamptz // by the database's clock, as it last said
}

const (
	leaseTime  = 10 * time.Second
	leaseRenew = leaseTime / 4
)

var errNoNode = errors.New("all 1024 snowflake node numbers are leased to other processes; a number comes free ten seconds after its process has ended")

// leaseIDs takes the first lease. A role that may not is refused when it first
// needs an id.
func leaseIDs(ctx context.Context, db *database) (*idSource, error) {
	s := &idSource{db: db, holder: pgtype.UUID{Valid: true}, leasing: make(chan struct{}, 1)}
	rand.Read(s.holder.Bytes[:])
	s.alive(time.Now())
	lease, err := s.take(ctx, db.pooled)
	if sqlState(err) == notPermitted {
		return s, nil
	}
	s.lease = lease
	return s, err
}

func (s *idSource) take(ctx context.Context, db *pgdb.Queries) (*nodeLease, error) {
	l := &nodeLease{until: time.Now().Add(leaseTime)}
	rows, err := db.LeaseNode(ctx, pgdb.LeaseNodeParams{Holder: s.holder, Seconds: leaseTime.Seconds()})
	if err == nil && len(rows) == 0 {
		err = errNoNode
	}
	if err != nil {
		return nil, fmt.Errorf("lease a snowflake node number: %w", err)
	}
	l.number, l.ends = rows[0].Number, rows[0].Expires
	if l.node, err = snowflake.NewNode(int64(l.number)); err != nil {
		return nil, fmt.Errorf("lease a snowflake node number: %w", err)
	}
	return l, nil
}

// next mints an id. It asks the database only where the lease has run out
// because the database was away for so long. One caller asks, and each waits no
// longer than its context allows.
func (s *idSource) next(ctx context.Context) (snowflake.ID, error) {
	for {
		s.mu.Lock()
		if s.lease != nil && !time.Now().After(s.lease.until) {
			id := s.lease.node.Generate()
			s.mu.Unlock()
			return id, nil
		}
		s.mu.Unlock()
		if err := s.leaseAnew(ctx); err != nil {
			return 0, err
		}
	}
}

// leaseAnew takes another lease for one that has run out, or waits for the
// caller that does.
func (s *idSource) leaseAnew(ctx context.Context) error {
	select {
	case s.leasing <- struct{}{}:
		defer func() { <-s.leasing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	over := s.lease == nil || time.Now().After(s.lease.until)
	s.mu.Unlock()
	if !over {
		return nil
	}
	lease, err := s.take(ctx, s.db.pooled)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease = lease
	return nil
}

// renewOnce prolongs the lease, or takes another where it ran out and went to
// another process.
func (s *idSource) renewOnce(ctx context.Context, insist runner) error {
	s.mu.Lock()
	lease := s.lease
	s.mu.Unlock()
	if lease == nil {
		return nil
	}
	ends := lease.ends // only renewals, one after the other, change it
	asked, row := time.Now(), pgdb.RenewNodeRow{}
	err := insist(ctx, func(ctx context.Context, db *pgdb.Queries) (err error) {
		row, err = db.RenewNode(ctx, pgdb.RenewNodeParams{Number: lease.number, Holder: s.holder, Seconds: leaseTime.Seconds(), Until: ends})
		return err
	})
	if err != nil {
		return err
	}
	var other *nodeLease
	if row.Processes == 0 {
		err = insist(ctx, func(ctx context.Context, db *pgdb.Queries) (err error) {
			other, err = s.take(ctx, db)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.renewed(lease, other, row, asked)
	if s.names == nil {
		return nil
	}
	return insist(ctx, func(ctx context.Context, db *pgdb.Queries) error {
		return s.names.again(ctx, db, s.holder, row.WentBack)
	})
}

// renewed notes what a renewal has come to. A process whose lease was gone has
// been away for as long as one lasts, and declares nobody dead for as long.
func (s *idSource) renewed(lease, other *nodeLease, row pgdb.RenewNodeRow, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case other != nil:
		s.lease, s.since = other, asked
	case s.lease.number == lease.number:
		s.lease.until, s.lease.ends = asked.Add(leaseTime), row.Expires
	}
	s.peers = int(row.Processes)
	s.alive(asked)
}

// alive notes that the database has heard from this process.
func (s *idSource) alive(at time.Time) {
	if at.Sub(s.heard) > leaseTime {
		s.since = at
	}
	s.heard = at
}

// canDeclareDead reports whether this process may treat processes whose leases
// have expired as dead. While the database was away nobody could renew, so a
// process that could not do so for as long as a lease lasts declares nobody dead.
func (s *idSource) canDeclareDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return now.Sub(s.since) > leaseTime && now.Sub(s.heard) < leaseTime
}

// lastAnswer is when the database last answered a renewal.
func (s *idSource) lastAnswer() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// processes is how many processes there are, as of the last renewal.
func (s *idSource) processes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers
}

// giveBack ends the lease, so that the number is free at once.
func (s *idSource) giveBack() {
	s.mu.Lock()
	lease := s.lease
	if lease != nil {
		lease.until = time.Time{}
	}
	s.mu.Unlock()
	if lease == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	// An error does not matter: the lease ends by itself.
	_ = s.db.pooled.ReturnNode(ctx, pgdb.ReturnNodeParams{Number: lease.number, Holder: s.holder})
}

func randomText() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
