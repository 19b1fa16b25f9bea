package faulttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// addPatience is how long a producer waits for one answer.
const addPatience = 5 * time.Second

// callers is how many goroutines of a producer add at the same time.
const callers = 8

// A producer adds jobs at a steady rate, and goes on whatever the answers.
type producer struct {
	orders orders
	pool   *pgxpool.Pool
	store  *postgres.Store
	book   *notebook
}

func produce(ctx context.Context, o orders) error {
	book, err := openNotebook(o.Dir, o.Name)
	if err != nil {
		return err
	}
	pool, store, err := o.open(ctx)
	if err != nil {
		return nil // told to end before the database came back
	}
	defer pool.Close()
	defer store.Close()
	book.write(line{What: opened})
	p := &producer{orders: o, pool: pool, store: store, book: book}
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { p.call(ctx, i) })
	}
	all.Wait()
	return nil
}

// call is one caller's share of the rate.
func (p *producer) call(ctx context.Context, number int) {
	dice := rand.New(rand.NewPCG(p.orders.Seed, uint64(number)))
	pause := time.Duration(float64(time.Second) * callers / p.orders.Rate)
	modes := slices.Sorted(maps.Keys(p.orders.Mix))
	for n := 0; ; n++ {
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
		m := p.draw(dice, modes)
		if p.orders.Mix[modePoison] > 0 && number == 0 && n == 0 {
			m = modePoison // rare as it is, there is one
		}
		p.add(dice, fmt.Sprintf("%s/%d/%d", p.orders.Name, number, n), m)
	}
}

// filling is text that cannot be compressed.
func filling(dice *rand.Rand, n int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[dice.IntN(len(letters))]
	}
	return string(b)
}

func (p *producer) draw(dice *rand.Rand, modes []mode) mode {
	sum := 0
	for _, m := range modes {
		sum += p.orders.Mix[m]
	}
	n := dice.IntN(sum)
	for _, m := range modes {
		if n -= p.orders.Mix[m]; n < 0 {
			return m
		}
	}
	return modeQuick
}

// add adds one job, and cancels it where that is its fate.
func (p *producer) add(dice *rand.Rand, key string, m mode) {
	ask := line{What: asksAdd, Key: key, Mode: m, Max: m.maxAttempts()}
	opts := []runtime.JobOption{runtime.JobOptions.MaxWorkDuration(p.orders.Limit)}
	if ask.Max > 0 {
		opts = append(opts, runtime.JobOptions.MaxAttempts(ask.Max))
	}
	if dice.IntN(10) == 0 {
		due := time.Now().Add(time.Duration(dice.Int64N(int64(time.Second)))).Truncate(time.Microsecond)
		ask.Due = due.UnixNano()
		opts = append(opts, runtime.JobOptions.Due(due))
	}
	pay := &payload{Key: key, Mode: m, Fill: filling(dice, p.orders.Fill)}
	p.book.write(ask)

	ctx, cancel := context.WithTimeout(context.Background(), addPatience)
	defer cancel()
	id, what, err := p.send(ctx, dice.IntN(100), pay, opts)
	answer := line{What: what, Key: key, Job: int64(id)}
	if err != nil {
		answer.Err = err.Error()
	}
	p.book.write(answer)
	if m == modeCancel && what == added {
		p.cancel(id, key)
	}
}

// send adds a job by itself or, one time in five, in a transaction, some of
// which are rolled back.
func (p *producer) send(ctx context.Context, how int, pay *payload, opts []runtime.JobOption) (snowflake.ID, what, error) {
	if how >= 20 {
		id, err := runtime.Enqueue(ctx, p.store, theJob, pay, opts...)
		if err != nil {
			return 0, addFailed, err
		}
		return id, added, nil
	}
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return 0, addRefused, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // of no effect after Commit
	id, err := runtime.Enqueue(ctx, p.store.InTx(tx), theJob, pay, opts...)
	if err != nil {
		return 0, addRefused, err
	}
	if how < 5 {
		return 0, rolledBack, tx.Rollback(ctx)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, addFailed, err
	}
	return id, added, nil
}

func (p *producer) cancel(id snowflake.ID, key string) {
	ctx, cancel := context.WithTimeout(context.Background(), addPatience)
	defer cancel()
	p.book.write(line{What: asksCancel, Key: key, Job: int64(id)})
	queue, err := p.store.GetQueue(ctx, queueName)
	if err == nil {
		err = queue.Cancel(ctx, id)
	}
	answer := line{What: cancelled, Key: key, Job: int64(id)}
	switch {
	case errors.Is(err, runtime.ErrJobNotFound):
		answer.What = notFound
	case err != nil:
		answer.What, answer.Err = cancelFail, err.Error()
	}
	p.book.write(answer)
}
