package faulttest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/leak"
)

var (
	full       = flag.Bool("faults", false, "run every fault, for longer and under more load than the cut that runs without")
	reportFile = flag.String("report", "", "with -faults: write the table of faults into this file")
)

// roleVariable makes this test binary a process of a storm; its value says
// which, in JSON.
const roleVariable = "JOBGEN_FAULTTEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	flag.Parse()
	// The tests wait for most of their time; the cut makes use of that.
	if err := flag.Set("test.parallel", strconv.Itoa(cap(turns))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := m.Run()
	if code == 0 {
		if err := leak.Find(leak.Patience); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := results.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// play is the life of a producer or worker: until it is told to end, or its
// parent has.
func play(role string) int {
	orders, err := readOrders(role)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // the parent holds the other end for as long as it lives
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(3)
	}()
	switch orders.Role {
	case "producer":
		err = produce(ctx, orders)
	case "worker":
		err = work(ctx, orders)
	default:
		err = fmt.Errorf("there is no role %q", orders.Role)
	}
	if err != nil {
		slog.Error("the process ends", "error", err)
		return 1
	}
	return 0
}

// A scale is how long the parts of a run last, and under which load.
type scale struct {
	warm, fault, after time.Duration
	producers, workers int
	rate               int // jobs a second, of all producers
	handlers           int // of each worker
}

// of returns the scale of this run of the tests.
func sizes() scale {
	if *full {
		return scale{warm: 4 * time.Second, fault: 10 * time.Second, after: 5 * time.Second, producers: 3, workers: 3, rate: 300, handlers: 16}
	}
	return scale{warm: 1200 * time.Millisecond, fault: 2 * time.Second, after: 800 * time.Millisecond, producers: 2, workers: 2, rate: 60, handlers: 8}
}
