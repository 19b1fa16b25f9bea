package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// An idSource mints snowflake ids under a node number that it leases from the
// file, so that no two processes ever mint the same.
type idSource struct {
	w *writer

	mu    sync.Mutex
	lease nodeLease
}

// A nodeLease is one number, leased until a time of this process that lies
// before the end of the lease in the file.
type nodeLease struct {
	node   *snowflake.Node
	number int64
	holder string
	until  time.Time
}

const (
	leaseTime  = time.Minute
	leaseRenew = leaseTime / 3
)

var errNoNode = errors.New("all 1024 snowflake node numbers are leased to other processes; a number comes free a minute after its process has ended")

// over reports whether the lease has run out, by the monotonic clock or, after
// the machine has slept, by the other.
func (l *nodeLease) over() bool {
	now := time.Now()
	return now.After(l.until) || now.Round(0).After(l.until.Round(0))
}

// take leases a number.
func (s *idSource) take(ctx context.Context) error {
	l := nodeLease{holder: rand.Text(), until: time.Now().Add(leaseTime)}
	var numbers []int64
	err := s.w.write(ctx, func(ctx context.Context, op *operation) (err error) {
		until := op.now.Add(leaseTime).UnixMicro()
		// Other processes may live on with these leases, and renew them before.
		if err := op.CapLeases(ctx, until); err != nil {
			return err
		}
		numbers, err = op.LeaseNode(ctx, sqlitedb.LeaseNodeParams{Holder: l.holder, Until: until, Now: op.at()})
		return err
	})
	if err == nil && len(numbers) == 0 {
		err = errNoNode
	}
	if err == nil {
		l.number = numbers[0]
	}
	if err == nil {
		l.node, err = snowflake.NewNode(l.number)
	}
	if err != nil {
		return fmt.Errorf("lease a snowflake node number: %w", err)
	}
	s.lease = l
	return nil
}

// next mints n ids. It asks the file only where the lease has run out because
// it could not be renewed for a minute.
func (s *idSource) next(ctx context.Context, n int) ([]snowflake.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.over() {
		if err := s.take(ctx); err != nil {
			return nil, err
		}
	}
	ids := make([]snowflake.ID, n)
	for i := range ids {
		ids[i] = s.lease.node.Generate()
	}
	return ids, nil
}

// renew prolongs the lease until ctx ends.
func (s *idSource) renew(ctx context.Context) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		lease := s.lease
		s.mu.Unlock()
		until, renewed := time.Now().Add(leaseTime), int64(0)
		err := s.w.write(ctx, func(ctx context.Context, op *operation) (err error) {
			renewed, err = op.RenewNode(ctx, sqlitedb.RenewNodeParams{Until: op.now.Add(leaseTime).UnixMicro(), Number: lease.number, Holder: lease.holder})
			return err
		})
		if err != nil {
			continue // the next tick comes before the lease ends
		}
		s.mu.Lock()
		if s.lease.holder == lease.holder {
			if s.lease.until = until; renewed == 0 {
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
	s.lease.until = time.Time{}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// An error does not matter: the lease ends by itself.
	_ = s.w.write(ctx, func(ctx context.Context, op *operation) error {
		return op.ReturnNode(ctx, sqlitedb.ReturnNodeParams{Now: op.at(), Number: s.lease.number, Holder: s.lease.holder})
	})
}
