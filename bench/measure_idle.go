package main

import (
	"context"
	"fmt"
	"time"
)

var idleColumns = []column{
	{"claims", "claims a minute a queue", 1},
	{"counts", "counts by type a minute a queue", 1},
	{"pings", "pings of the pool before them", 1},
	{"queue", "all a minute a queue", 1},
	{"leases", "lease renewals a minute a process, with pings", 1},
	{"listen", "pings of LISTEN", 1},
	{"rest", "others", 1},
	{"server", "server CPU ms a minute", 0},
}

var idleQueues = []int{1, 5}

func idleConditions() (all []condition) {
	for _, n := range idleQueues {
		all = append(all, condition{fmt.Sprintf("queues%d", n), fmt.Sprintf("queues: %d", n)})
	}
	return all
}

// idle counts what a Worker with nothing to do asks of the server.
func idle(ctx context.Context, t *trial) (figures, error) {
	all := figures{}
	for i, row := range idleConditions() {
		queues, lasts := idleQueues[i], t.size.idleFor
		if queues > 1 {
			lasts /= 2 // several queues show as much in less time
		}
		err := t.elsewhere(ctx, t.server.logged(openSpread(queues, 1)), func(t *trial) error {
			stop, err := t.queue.Work(ctx, func(int64) {})
			if err != nil {
				return err
			}
			asked, cpu, err := t.watch(ctx, lasts/20, lasts)
			if stopErr := stop(); err == nil {
				err = stopErr
			}
			if err != nil {
				return err
			}
			perMinute := func(n int) float64 { return float64(n) / lasts.Minutes() }
			claims, counts := asked.asked["Claim"], asked.asked["StatsByType"]
			pings := asked.pings["Claim"] + asked.pings["StatsByType"]
			leases := asked.asked["RenewNode"] + asked.pings["RenewNode"]
			got := figures{
				"claims": perMinute(claims) / float64(queues), "counts": perMinute(counts) / float64(queues),
				"pings": perMinute(pings) / float64(queues), "queue": perMinute(claims+counts+pings) / float64(queues),
				"leases": perMinute(leases), "listen": perMinute(asked.listenPings),
				"rest":   perMinute(asked.total() - claims - counts - pings - leases - asked.listenPings),
				"server": cpu.Seconds() * 1000 / lasts.Minutes(),
			}
			for name, value := range got {
				all[figureUnder(row.name, name)] = value
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.title, err)
		}
	}
	return all, nil
}

// watch waits for warmUp, in which what is just starting settles, and then
// counts the statements and the server's CPU time for d.
func (t *trial) watch(ctx context.Context, warmUp, d time.Duration) (*statements, time.Duration, error) {
	if err := pause(ctx, warmUp); err != nil {
		return nil, 0, err
	}
	from, err := t.server.logEnd()
	if err != nil {
		return nil, 0, err
	}
	cpu := t.server.cpu()
	if err := pause(ctx, d); err != nil {
		return nil, 0, err
	}
	cpu = t.server.cpu() - cpu
	asked, err := t.server.statements(t.place, from)
	return asked, cpu, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
