// Command email is a small newsletter sender. It reads recipients from a CSV
// file, stores each account and enqueues its e-mail in one transaction, and
// works the queue until every e-mail is sent or dead.
//
//	go run ./examples/email                  # SQLite, and an SMTP sink of its own
//	go run ./examples/email -list people.csv # your own recipients
//
// With nothing set it keeps everything in newsletter.db and sends to a sink
// inside the program, which saves what it accepts to ./outbox. DATABASE_URL
// (postgres://…) makes it use PostgreSQL, SMTP_ADDR (host:port) a real mail
// server, with SMTP_USER and SMTP_PASSWORD where that one asks for them.
//
// Kill it at any moment and run it again: it continues where it was. It exits
// with 0 when every e-mail is sent, and with 3 when some are dead.
package main

//go:generate go tool jobgen generate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A demonstration should not take minutes: retry after seconds.
	runtime.BackoffDuration = time.Second
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errDead):
		fmt.Fprintln(os.Stderr, "email:", err)
		os.Exit(exitDead)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "email: stopped; run it again to continue")
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "email:", err)
		os.Exit(1)
	}
}

// exitDead is the exit status where e-mails are dead, since somebody has to look
// at them. Everything else that goes wrong is 1.
const exitDead = 3

var errDead = errors.New("some e-mails are dead: see the reasons above")

// handlers is how many e-mails are in hand at once.
const handlers = 16

// settings is what the command line and the environment say.
type settings struct {
	list, letter, outbox, file, databaseURL string
	smtp                                    smtpServer
}

func parseSettings(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("email", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.list, "list", "", "CSV `file` of recipients with the columns email and name (default: the sample that ships)")
	flags.StringVar(&s.letter, "letter", "november", "which letter to send: "+letterNames())
	flags.StringVar(&s.outbox, "outbox", "outbox", "`directory` for what the built-in SMTP sink accepts")
	flags.StringVar(&s.file, "db", "newsletter.db", "SQLite `file`, used unless DATABASE_URL is set")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q; recipients are given with -list FILE", flags.Arg(0))
	}
	s.databaseURL = getenv("DATABASE_URL")
	s.smtp = smtpServer{addr: getenv("SMTP_ADDR"), user: getenv("SMTP_USER"), password: getenv("SMTP_PASSWORD")}
	return s, nil
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (err error) {
	s, err := parseSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	if _, err := loadLetter(s.letter); err != nil {
		return err
	}
	people, bad, err := readRecipients(s.list)
	if err != nil {
		return err
	}
	for _, row := range bad {
		fmt.Fprintln(stderr, row)
	}

	db, err := openDatabase(ctx, s.databaseURL, s.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if s.smtp.addr == "" {
		sink, err := startSink(s.outbox)
		if err != nil {
			return err
		}
		defer sink.close()
		s.smtp.addr = sink.addr()
		fmt.Fprintf(stdout, "sending to the built-in SMTP sink; see %s for what it accepts\n", s.outbox)
	}

	report := newReport()
	sender := &sender{db: db, mail: newMailer(s.smtp), report: report}
	defer sender.mail.close()
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, sender.send)

	working, stopWorking := context.WithCancel(ctx)
	defer stopWorking()
	stopped := make(chan error, 1)
	go func() {
		quiet := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
		stopped <- runtime.NewWorker(db.jobs, mux, runtime.WithHandlers(handlers), runtime.WithLogger(quiet)).Run(working)
	}()

	added, err := enqueueAll(ctx, db, s.letter, people)
	if err == nil {
		fmt.Fprintf(stdout, "%d recipients, %d bad rows; %d e-mails enqueued, %d were there already\n",
			len(people), len(bad), added, len(people)-added)
		err = report.follow(ctx, db, stdout)
	}
	stopWorking()
	// Where there was nothing to do it may be told to stop before it began.
	if stopErr := <-stopped; err == nil && !errors.Is(stopErr, context.Canceled) {
		err = stopErr
	}
	if err != nil {
		return err
	}
	dead, err := report.summary(ctx, db, s.letter, people, stdout)
	if err == nil && dead > 0 {
		err = errDead
	}
	return err
}

// enqueuePerTransaction is how many accounts share a commit.
const enqueuePerTransaction = 100

// enqueueAll stores the accounts and enqueues the letter to each that has not
// been sent it or is not waiting for it, and returns how many that were.
func enqueueAll(ctx context.Context, db *database, letter string, people []recipient) (added int, err error) {
	for len(people) > 0 {
		n := min(len(people), enqueuePerTransaction)
		more, err := db.enqueue(ctx, letter, people[:n])
		if err != nil {
			return added, fmt.Errorf("enqueue: %w", err)
		}
		added += more
		people = people[n:]
	}
	return added, nil
}
