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
type idSource struct {
	db *pgdb.Queries

	mu    sync.Mutex
	lease *nodeLease
}

// A nodeLease is one number, held until a time of this process's monotonic
// clock that lies before the end of the lease in the database.
type nodeLease struct {
	node   *snowflake.Node
	number int16
	holder pgtype.UUID
	until  time.Time
}

const (
	leaseTime  = time.Minute
	leaseRenew = leaseTime / 3
)

var errNoNode = errors.New("all 1024 snowflake node numbers are leased to other processes; a number comes free a minute after its process has ended")

// leaseIDs takes the first lease.
func leaseIDs(ctx context.Context, db *pgdb.Queries) (*idSource, error) {
	s := &idSource{db: db}
	lease, err := s.take(ctx)
	s.lease = lease
	return s, err
}

func (s *idSource) take(ctx context.Context) (*nodeLease, error) {
	l := &nodeLease{holder: pgtype.UUID{Valid: true}, until: time.Now().Add(leaseTime)}
	rand.Read(l.holder.Bytes[:])
	numbers, err := s.db.LeaseNode(ctx, pgdb.LeaseNodeParams{Holder: l.holder, Seconds: leaseTime.Seconds()})
	if err == nil && len(numbers) == 0 {
		err = errNoNode
	}
	if err != nil {
		return nil, fmt.Errorf("lease a snowflake node number: %w", err)
	}
	l.number = numbers[0]
	if l.node, err = snowflake.NewNode(int64(l.number)); err != nil {
		return nil, fmt.Errorf("lease a snowflake node number: %w", err)
	}
	return l, nil
}

// next mints an id. It asks the database only where the lease has run out
// because the database was away for a minute.
func (s *idSource) next(ctx context.Context) (snowflake.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().After(s.lease.until) {
		lease, err := s.take(ctx)
		if err != nil {
			return 0, err
		}
		s.lease = lease
	}
	return s.lease.node.Generate(), nil
}

// renew prolongs the lease until ctx ends.
func (s *idSource) renew(ctx context.Context) {
	wait := leaseRenew
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		lease := *s.lease
		s.mu.Unlock()
		until := time.Now().Add(leaseTime)
		try, cancel := context.WithTimeout(ctx, leaseRenew)
		n, err := s.db.RenewNode(try, pgdb.RenewNodeParams{Number: lease.number, Holder: lease.holder, Seconds: leaseTime.Seconds()})
		cancel()
		if wait = leaseRenew; err != nil {
			wait = time.Second // it may be the database, for a moment
			continue
		}
		s.mu.Lock()
		if s.lease.holder == lease.holder {
			if s.lease.until = until; n == 0 {
				s.lease.until = time.Time{} // it ran out and went to another: take a new one
			}
		}
		s.mu.Unlock()
	}
}

// giveBack ends the lease, so that the number is free at once.
func (s *idSource) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// An error does not matter: the lease ends by itself.
	_ = s.db.ReturnNode(ctx, pgdb.ReturnNodeParams{Number: s.lease.number, Holder: s.lease.holder})
	s.lease.until = time.Time{}
}

func randomText() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
