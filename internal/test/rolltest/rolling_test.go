package rolltest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

// rounds is how many jobs of each change a sender adds before the deployment
// goes on.
const rounds = 10

// limit is how long any step of it may take.
const limit = 2 * time.Minute

// A process is a binary that runs.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser // a line is a round, and its end that of the process
	sent  *bufio.Scanner
	err   *strings.Builder
}

// A deployment starts and stops binaries on one database.
type deployment struct {
	t        *testing.T
	dir, dsn string
	started  int
	conn     *pgx.Conn
}

// start runs a binary, "old" or "new", which sends jobs when it is told to and
// works those there are where its role is "work".
func (d *deployment) start(binary string, roles ...string) *process {
	d.t.Helper()
	d.started++
	p := &process{name: binary + " " + strings.Join(roles, " "), err: &strings.Builder{}}
	args := append([]string{fmt.Sprint(d.started * 10_000)}, roles...)
	p.cmd = exec.Command(filepath.Join(d.dir, "bin", binary), args...)
	p.cmd.Env = append(os.Environ(), "DATABASE_URL="+d.dsn)
	p.cmd.Stderr = p.err
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	p.stdin, p.sent = stdin, bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if p.cmd.ProcessState == nil { // the test failed
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// load has each process send its rounds, all at once.
func (d *deployment) load(processes ...*process) {
	d.t.Helper()
	for _, p := range processes {
		if _, err := io.WriteString(p.stdin, strings.Repeat("\n", rounds)); err != nil {
			d.t.Fatalf("%s: %v", p.name, err)
		}
	}
	for _, p := range processes {
		for range rounds {
			if !p.sent.Scan() {
				d.t.Fatalf("%s ended: %s", p.name, p.err)
			}
		}
	}
}

// stop ends a process as a deployment does, and lets it finish.
func (d *deployment) stop(p *process) {
	d.t.Helper()
	if err := p.stdin.Close(); err != nil {
		d.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		d.t.Fatalf("%s: %v: %s", p.name, err, p.err)
	}
}

// await waits until a query says 0.
func (d *deployment) await(what, query string, args ...any) {
	d.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		n := d.count(query, args...)
		if n == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			d.t.Fatalf("after %v, %s: %d", limit, what, n)
		}
	}
}

func (d *deployment) count(query string, args ...any) (n int) {
	d.t.Helper()
	if err := d.conn.QueryRow(d.t.Context(), query, args...).Scan(&n); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// unhandled counts what was sent and not handled, by sender, of changes whose
// jobs the handlers that run understand.
const unhandled = `SELECT count(*) FROM sent s WHERE s.sender = ANY($1) AND s.change = ANY($2)
	AND NOT EXISTS (SELECT 1 FROM handled h WHERE h.change = s.change AND h.n = s.n)`

func of(classes ...class) (indices []int) {
	for i, c := range changes {
		for _, wanted := range classes {
			if c.class == wanted {
				indices = append(indices, i)
			}
		}
	}
	return indices
}

func TestOldAndNewBinariesWorkOneDatabaseThroughEachChange(t *testing.T) {
	t.Parallel()
	if len(changes) != 20 {
		t.Fatalf("there are %d changes", len(changes))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), fmt.Sprintf(goMod, "."))
	for i, c := range changes {
		r := generateBoth(t, dir, i)
		if want := map[class]int16{same: 1, raised: 2, byHand: 2}[c.class]; r.Lock.Jobs[0].Newest().Version != want || (len(r.Raised) > 0) != (c.class == raised) {
			t.Errorf("%s: version %d, raised %v; want version %d", c.name, r.Lock.Jobs[0].Newest().Version, r.Raised, want)
		}
	}
	build(t, dir)

	d := &deployment{t: t, dir: dir, dsn: pgtest.DSN(t)}
	conn, err := pgx.Connect(t.Context(), d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	d.conn = conn
	for _, statement := range []string{
		"CREATE TABLE sent (change int, n bigint, sender text, PRIMARY KEY (change, n))",
		"CREATE TABLE handled (change int, n bigint, sender text, handler text, is_right boolean, what text)",
		"CREATE INDEX ON handled (change, n)",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	everything := of(same, raised, byHand)

	// The old one alone, then both, while the deployment goes forward.
	before := d.start("old", "work")
	d.load(before)
	after := d.start("new", "work")
	d.load(before, after)
	d.stop(before)
	// The new one alone, and somebody who still sends as before.
	sender := d.start("old")
	d.load(after, sender)
	d.await("jobs of either wait for the new binary", unhandled, []string{"old", "new"}, everything)

	// Back: the old one alone. It does the new one's jobs where it can, and
	// leaves the others untouched.
	before = d.start("old", "work")
	d.load(before, after, sender)
	d.stop(after)
	d.stop(sender)
	sender = d.start("new")
	d.load(before, sender)
	d.stop(sender)
	d.await("jobs wait for the old binary", unhandled, []string{"old"}, everything)
	d.await("jobs of the new binary that the old one can do", unhandled, []string{"new"}, of(same))
	left := d.count("SELECT count(*) FROM jobgen.job j JOIN jobgen.job_type t ON t.number = j.type WHERE t.version = 2")
	if want := len(of(raised, byHand)) * rounds; left < want {
		t.Errorf("the old binary has left %d jobs of the new one, of at least %d", left, want)
	}
	if touched := d.count("SELECT count(*) FROM jobgen.job j JOIN jobgen.job_type t ON t.number = j.type WHERE t.version = 2 AND (j.attempts > 0 OR j.handler IS NOT NULL)"); touched > 0 {
		t.Errorf("it has touched %d of them", touched)
	}

	// And forward for good.
	after = d.start("new", "work")
	d.load(before, after)
	d.stop(before)
	d.load(after)
	d.await("jobs wait", unhandled, []string{"old", "new"}, everything)
	d.await("jobs that have not ended", "SELECT count(*) FROM jobgen.job")
	d.stop(after)
	d.judge()
}

// judge looks at what has become of all jobs.
func (d *deployment) judge() {
	d.t.Helper()
	d.t.Logf("%d jobs", d.count("SELECT count(*) FROM sent"))
	if dead := d.count("SELECT count(*) FROM jobgen.ended_job"); dead > 0 {
		d.t.Errorf("%d jobs are dead", dead)
	}
	if failed := d.count("SELECT count(*) FROM jobgen.attempt WHERE outcome = 2"); failed > 0 {
		d.t.Errorf("%d attempts have failed", failed)
	}
	rows, err := d.conn.Query(d.t.Context(), "SELECT change, sender, handler, bool_and(is_right), max(what) FILTER (WHERE NOT is_right) FROM handled GROUP BY 1, 2, 3")
	if err != nil {
		d.t.Fatal(err)
	}
	type pair struct {
		change          int
		sender, handler string
	}
	did := map[pair]bool{}
	for rows.Next() {
		var p pair
		var right bool
		var wrong *string
		if err := rows.Scan(&p.change, &p.sender, &p.handler, &right, &wrong); err != nil {
			d.t.Fatal(err)
		}
		did[p] = true
		if !right {
			d.t.Errorf("%s: the %s binary took a job of the %s one for %s", changes[p.change].name, p.handler, p.sender, *wrong)
		}
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	for i, c := range changes {
		for p, want := range map[pair]bool{
			{i, "old", "old"}: true, {i, "old", "new"}: true, {i, "new", "new"}: true, {i, "new", "old"}: c.class == same,
		} {
			if did[p] != want {
				d.t.Errorf("%s: a job of the %s binary was handled by the %s one: %v, want %v", c.name, p.sender, p.handler, did[p], want)
			}
		}
	}
}
