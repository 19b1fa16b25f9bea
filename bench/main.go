package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings is what the command line says.
type settings struct {
	dsn, peers, only, jsonFile string
	rounds                     int
	size                       size
}

// size is how much each measurement does.
type size struct {
	enqueueFor time.Duration // of single enqueues
	batches    int
	batchOf    int
	drain      int // jobs
	latency    int // jobs
	latencyGap time.Duration
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.dsn, "dsn", os.Getenv("BENCH_DATABASE_URL"), "PostgreSQL `URL` of a role that may create databases (default: a durable server of its own)")
	flags.StringVar(&s.peers, "peers", "", "comma-separated `names` of the peers to measure (default: all)")
	flags.StringVar(&s.only, "only", "", "comma-separated `names` of the measurements to make (default: all)")
	flags.StringVar(&s.jsonFile, "json", "", "also write every round's figures to this `file`")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each measurement is made")
	flags.DurationVar(&s.size.enqueueFor, "enqueue", 3*time.Second, "how long single enqueues go on")
	flags.IntVar(&s.size.batches, "batches", 50, "how many batches are enqueued")
	flags.IntVar(&s.size.batchOf, "batch", 1000, "how many jobs are in a batch")
	flags.IntVar(&s.size.drain, "drain", 100_000, "how many jobs are drained")
	flags.IntVar(&s.size.latency, "latency", 500, "of how many jobs latency is taken")
	flags.DurationVar(&s.size.latencyGap, "gap", 10*time.Millisecond, "how far apart these are on average")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.rounds < 1 || s.size.batches < 1 || s.size.batchOf < 1 || s.size.drain < 1 || s.size.latency < 1 {
		return s, fmt.Errorf("-rounds, -batches, -batch, -drain and -latency: at least 1 is needed")
	}
	return s, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseSettings(args, stderr)
	if err != nil {
		return err
	}
	chosen, err := choosePeers(s.peers)
	if err != nil {
		return err
	}
	todo, err := chooseMeasurements(s.only)
	if err != nil {
		return err
	}
	server, err := openServer(ctx, s.dsn)
	if err != nil {
		return err
	}
	defer server.close()

	r := newReport(chosen, todo)
	if err := r.describe(ctx, server, s); err != nil {
		return err
	}
	for round := range s.rounds {
		for _, m := range todo {
			for i := range chosen {
				p := chosen[(i+round)%len(chosen)] // another goes first each time
				fmt.Fprintf(stderr, "round %d of %d: %s, %s\n", round+1, s.rounds, m.name, p.name)
				got, err := measure(ctx, server, p, m, s.size)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", m.name, p.name, err)
				}
				r.add(p, m, got)
			}
		}
	}
	r.print(stdout)
	if s.jsonFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.jsonFile, append(data, '\n'), 0o644)
}

// measure makes one measurement of one peer, on a database of its own.
func measure(ctx context.Context, server *server, p peer, m measurement, size size) (figures, error) {
	at, drop, err := server.place(ctx, p)
	if err != nil {
		return nil, err
	}
	defer drop()
	q, err := p.open(ctx, at)
	if err != nil {
		return nil, err
	}
	run := &trial{queue: q, peer: p, server: server, size: size}
	got, err := m.run(ctx, run)
	if closeErr := q.Close(); err == nil {
		err = closeErr
	}
	return got, err
}
