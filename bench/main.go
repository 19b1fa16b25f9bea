package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
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
	dsn, peers, only, jsonFile   string
	clientProfile, serverProfile string
	rounds, long                 int
	size                         size
	// server are further settings of a server of our own.
	server []string
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	s := settings{rounds: 3, size: fullSize()}
	if slices.Contains(args, "-quick") || slices.Contains(args, "--quick") {
		s.rounds, s.size = 1, quickSize() // which other flags may change
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Bool("quick", false, "small sizes and one round: under three minutes, for the order of magnitude")
	flags.StringVar(&s.dsn, "dsn", os.Getenv("BENCH_DATABASE_URL"), "PostgreSQL `URL` of a role that may create databases (default: a durable server of its own)")
	flags.StringVar(&s.peers, "peers", "", "comma-separated `names` of the peers to measure (default: those that each measurement compares)")
	flags.StringVar(&s.only, "only", "", "comma-separated `names` of the measurements to make (default: all)")
	flags.StringVar(&s.jsonFile, "json", "", "also write every round's figures to this `file`")
	flags.StringVar(&s.clientProfile, "cpuprofile", "", "write a CPU profile of the client at the first chosen peer's last drain to this `file`")
	flags.StringVar(&s.serverProfile, "perf", "", "have perf write a CPU profile of the server at the same drain to this `file`; for a server of its own")
	flags.IntVar(&s.rounds, "rounds", s.rounds, "how often each measurement is made")
	flags.IntVar(&s.long, "long", 1, "how often those are made that take long")
	s.size.flags(flags)
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.rounds < 1 || s.long < 1 {
		return s, errors.New("-rounds and -long: at least 1 is needed")
	}
	return s, s.size.check()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseSettings(args, stderr)
	if err != nil {
		return err
	}
	return s.run(ctx, stdout, stderr)
}

func (s settings) run(ctx context.Context, stdout, stderr io.Writer) error {
	chosen, err := choosePeers(s.peers)
	if err != nil {
		return err
	}
	todo, err := chooseMeasurements(s.only)
	if err != nil {
		return err
	}
	server, err := openServer(ctx, s.dsn, s.server)
	if err != nil {
		return err
	}
	defer server.close()

	r := newReport(chosen, s.peers != "", todo)
	if err := r.describe(ctx, server, s); err != nil {
		return err
	}
	profile := &profiler{client: s.clientProfile, server: s.serverProfile, peer: chosen[0].name}
	began := time.Now()
	for round := range s.rounds {
		for _, m := range todo {
			if m.long && round >= s.long {
				continue
			}
			of := m.of(chosen, s.peers != "")
			for i := range of {
				p := of[(i+round)%len(of)] // another goes first each time
				fmt.Fprintf(stderr, "%5.0fs round %d of %d: %s, %s\n", time.Since(began).Seconds(), round+1, s.rounds, m.name, p.name)
				got, err := measure(ctx, server, p, m, s.size, profile)
				switch {
				case errors.Is(err, errMissing):
					r.note(err.Error())
				case err != nil && ctx.Err() != nil:
					return ctx.Err()
				case err != nil:
					// What was measured so far is worth keeping.
					r.note(fmt.Sprintf("FAILED: %s of %s in round %d: %v", m.name, p.name, round+1, err))
					fmt.Fprintln(stderr, "FAILED:", err)
				default:
					r.add(p, m, got)
				}
			}
		}
		if err := r.write(s.jsonFile); err != nil {
			return err
		}
	}
	r.print(stdout)
	return r.failed()
}

// measure makes one measurement of one peer, on a database of its own.
func measure(ctx context.Context, server *server, p peer, m measurement, size size, profile *profiler) (figures, error) {
	if m.program {
		return programOf(ctx, p)
	}
	var got figures
	t := &trial{peer: p, server: server, size: size, profile: profile}
	err := t.elsewhere(ctx, p.open, func(t *trial) (err error) {
		got, err = m.run(ctx, t)
		return err
	})
	return got, err
}
