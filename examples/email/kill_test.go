package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/google/go-cmp/cmp"
)

func parseID(text string) (snowflake.ID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return snowflake.ID(n), err
}

// program is the newsletter sender as a process of its own.
func (p place) program(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL="+p.databaseURL, "SMTP_ADDR=")
	cmd.Dir = p.dir
	return cmd
}

// expireClaims lets the claims of a killed program end now. They would by
// themselves, 30 seconds after they were made.
func (p place) expireClaims(t *testing.T) {
	t.Helper()
	db, err := openDatabase(t.Context(), p.databaseURL, filepath.Join(p.dir, "newsletter.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	statement := `UPDATE jobgen.job SET expires = claimed WHERE handler IS NOT NULL`
	if p.databaseURL == "" {
		statement = `UPDATE jobgen_claim SET expires = claimed; UPDATE jobgen_queue SET expires = 0`
	}
	if _, err := db.sql.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestKilledHalfWayAndRunAgainNobodyIsMissing(t *testing.T) {
	t.Parallel()
	onEachBackEnd(t, func(t *testing.T, at place) {
		const people = 400
		var want []string
		list := &strings.Builder{}
		list.WriteString("email,name\n")
		for i := range people {
			address := fmt.Sprintf("reader%03d@mail.example", i)
			if i%20 == 0 {
				address = fmt.Sprintf("reader%03d@greylist.example", i)
			}
			want = append(want, address)
			fmt.Fprintf(list, "%s,Reader %d\n", address, i)
		}
		slices.Sort(want)
		args := at.args(t, list.String())

		first := at.program(t.Context(), args)
		var said bytes.Buffer
		first.Stdout, first.Stderr = &said, &said
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = first.Wait() }() // killed, or the outbox says what went wrong
		awaitDelivered(t, at, people/4, ended)
		if err := first.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		if n := len(at.delivered(t)); n == people {
			t.Fatalf("all %d e-mails were out before the kill\n%s", n, &said)
		}

		at.expireClaims(t)
		out, err := at.program(t.Context(), args).CombinedOutput()
		if err != nil {
			t.Fatalf("second run: %v\n%s", err, out)
		}
		if diff := cmp.Diff(want, at.delivered(t)); diff != "" {
			t.Errorf("outbox (-want +got):\n%s\n%s", diff, out)
		}
		if line := fmt.Sprintf(`letter "november": %d sent, 0 dead`, people); !bytes.Contains(out, []byte(line)) {
			t.Errorf("want %q in\n%s", line, out)
		}
		if n := checkLogs(t, at); n < people {
			t.Errorf("%d attempts are logged, for %d e-mails", n, people)
		}
	})
}

// awaitDelivered waits until n e-mails are in the outbox.
func awaitDelivered(t *testing.T, at place, n int, ended <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(at.delivered(t)) < n {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("the program ended with %d e-mails in the outbox", len(at.delivered(t)))
		case <-t.Context().Done():
			t.Fatal("the test's time is up")
		}
	}
}
