package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

// asProgram in the environment makes the test binary the program itself.
const asProgram = "EMAIL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	runtime.BackoffDuration = 20 * time.Millisecond
	goleak.VerifyTestMain(m)
}

// A place is where one test's newsletter keeps its files and rows.
type place struct {
	dir, databaseURL string
}

func (p place) outbox() string { return filepath.Join(p.dir, "outbox") }

// args are the command line for a list, kept in the place.
func (p place) args(t *testing.T, list string) []string {
	t.Helper()
	file := filepath.Join(p.dir, "list.csv")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-list", file, "-outbox", p.outbox(), "-db", filepath.Join(p.dir, "newsletter.db")}
}

func (p place) getenv(name string) string {
	if name == "DATABASE_URL" {
		return p.databaseURL
	}
	return ""
}

// delivered returns the recipients whose e-mails are in the outbox, in order,
// one entry per e-mail.
func (p place) delivered(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.outbox(), "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	to := []string{}
	for _, file := range files {
		address, _, _ := strings.Cut(filepath.Base(file), ".job-")
		to = append(to, address)
	}
	slices.Sort(to)
	return to
}

// onEachBackEnd runs a test on SQLite and on PostgreSQL.
func onEachBackEnd(t *testing.T, test func(*testing.T, place)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, place{dir: t.TempDir()})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, place{dir: t.TempDir(), databaseURL: pgtest.DSN(t)})
	})
}

const smallList = `email,name
ada@mail.example,Ada Byron
,Nobody
grace@greylist.example,Grace Hopper
not an address,Mallory
alan@mail.example,"Turing, Alan"
too,many,fields
emil@gone.example,Emil Post
ADA@mail.example,Ada Again
barbara@mail.example,
`

func TestEveryoneOnTheListIsSentTheLetterOrNamed(t *testing.T) {
	t.Parallel()
	onEachBackEnd(t, func(t *testing.T, at place) {
		var stdout, stderr bytes.Buffer
		if err := run(t.Context(), at.args(t, smallList), at.getenv, &stdout, &stderr); !errors.Is(err, errDead) {
			t.Fatalf("error %v, want one that says that an e-mail is dead", err)
		}

		want := []string{"ada@mail.example", "alan@mail.example", "barbara@mail.example", "grace@greylist.example"}
		if diff := cmp.Diff(want, at.delivered(t)); diff != "" {
			t.Errorf("outbox (-want +got):\n%s", diff)
		}
		for _, row := range []string{
			"list.csv:3: row left out: the address is empty",
			`list.csv:5: row left out: "not an address" is not a valid e-mail address`,
			"list.csv:7: row left out: 3 fields where the header has 2",
			"list.csv:9: row left out: ADA@mail.example is on line 2 already",
		} {
			if !strings.Contains(stderr.String(), row) {
				t.Errorf("the bad row is not named: want %q in\n%s", row, &stderr)
			}
		}
		for _, line := range []string{
			"5 recipients, 4 bad rows; 5 e-mails enqueued, 0 were there already",
			`letter "november": 4 sent, 1 dead`,
			"this run: 4 sent, 3 attempts retried",
			"retried 1: refused for now (SMTP 451)",
			"retried 2: refused for good (SMTP 550)",
			"dead 1: refused for good (SMTP 550)",
		} {
			if !strings.Contains(stdout.String(), line) {
				t.Errorf("want %q in\n%s", line, &stdout)
			}
		}
	})
}

func TestASecondRunSendsNothingTwice(t *testing.T) {
	t.Parallel()
	onEachBackEnd(t, func(t *testing.T, at place) {
		list := "email,name\nada@mail.example,Ada\nalan@mail.example,Alan\n"
		for _, want := range []string{"2 e-mails enqueued, 0 were there already", "0 e-mails enqueued, 2 were there already"} {
			var stdout, stderr bytes.Buffer
			if err := run(t.Context(), at.args(t, list), at.getenv, &stdout, &stderr); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(stdout.String(), want) || !strings.Contains(stdout.String(), `"november": 2 sent, 0 dead`) {
				t.Errorf("want %q in\n%s", want, &stdout)
			}
		}
	})
}

func TestAnOpenQuoteCostsItsOwnRow(t *testing.T) {
	t.Parallel()
	const list = "email,name\r\n" +
		"ada@mail.example,\"Ada\r\n" + // never closed
		"alan@mail.example,\"Turing, Alan\"\r\n" +
		"\r\n" +
		"emil@mail.example,\"Emil\r\n" + // closed on the next line
		"Post\"\r\n" +
		"grace@mail.example,Grace\x0bHopper\r\n" +
		"barbara@mail.example,Barbara"
	people, bad, err := parseRecipients("list.csv", strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	want := []recipient{{"alan@mail.example", "Turing, Alan"}, {"barbara@mail.example", "Barbara"}}
	if !slices.Equal(people, want) {
		t.Errorf("recipients %q, want %q", people, want)
	}
	lines := []string{"list.csv:2: ", "list.csv:5: ", "list.csv:6: ", "list.csv:7: "}
	if len(bad) != len(lines) {
		t.Fatalf("bad rows %q, want the lines %q", bad, lines)
	}
	for i, row := range bad {
		if !strings.HasPrefix(row, lines[i]) {
			t.Errorf("bad row %q, want %s", row, lines[i])
		}
	}
}

func TestTheSummaryCountsTheListAlone(t *testing.T) {
	t.Parallel()
	at := place{dir: t.TempDir()}
	var stdout, stderr bytes.Buffer
	first := at.args(t, "email,name\nada@mail.example,Ada\nemil@gone.example,Emil\n")
	if err := run(t.Context(), first, at.getenv, &stdout, &stderr); !errors.Is(err, errDead) {
		t.Fatalf("error %v, want one that says that an e-mail is dead", err)
	}
	stdout.Reset()
	second := at.args(t, "email,name\nalan@mail.example,Alan\n")
	if err := run(t.Context(), second, at.getenv, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if want := `letter "november": 1 sent, 0 dead`; !strings.Contains(stdout.String(), want) {
		t.Errorf("want %q in\n%s", want, &stdout)
	}
}

func TestTheSampleListHasGoodAndBadRows(t *testing.T) {
	t.Parallel()
	people, bad, err := readRecipients("")
	if err != nil {
		t.Fatal(err)
	}
	if len(people) != 240 || len(bad) != 3 {
		t.Errorf("%d good rows and %d bad ones, want 240 and 3: %q", len(people), len(bad), bad)
	}
}

func TestAListWithoutTheColumnsIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	at := place{dir: t.TempDir()}
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), at.args(t, "address,name\nada@mail.example,Ada\n"), at.getenv, &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), `email and name are needed`) {
		t.Errorf("error %v, want one that says which columns are needed", err)
	}
	if _, err := os.Stat(filepath.Join(at.dir, "newsletter.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database was made: %v", err)
	}
}

// checkLogs fails the test unless every attempt of every e-mail in the outbox
// and of every dead one has left its row, and an e-mail's last one succeeded.
func checkLogs(t *testing.T, at place) (attempts int) {
	t.Helper()
	ctx := t.Context()
	db, err := openDatabase(ctx, at.databaseURL, filepath.Join(at.dir, "newsletter.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	queue, err := db.jobs.GetQueue(ctx, jobs.EmailQueue)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(at.outbox(), "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, name, _ := strings.Cut(filepath.Base(file), ".job-")
		id, err := parseID(strings.TrimSuffix(name, ".eml"))
		if err != nil {
			t.Fatal(err)
		}
		succeeded := false
		for n := int32(0); ; n++ {
			log, err := queue.Log(ctx, id, n)
			if errors.Is(err, runtime.ErrJobNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			attempts++
			switch {
			case succeeded:
				t.Errorf("job %d has attempt %d after one that succeeded", id, n)
			case !log.Success && log.FailureReason == "":
				t.Errorf("job %d attempt %d has neither success nor a reason", id, n)
			}
			succeeded = log.Success
		}
		if !succeeded {
			t.Errorf("job %d is in the outbox and no attempt's log says that it succeeded", id)
		}
	}
	return attempts
}
