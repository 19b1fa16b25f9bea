package faulttest

import (
	"errors"
	"os/exec"
	goruntime "runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

func TestJobsSurviveTheServer(t *testing.T) {
	t.Parallel()
	runScenarios(t, familyServer, []scenario{
		{
			fault: "backends are terminated", how: "`pg_terminate_backend` of every connection, ten times a second",
			inject: func(s *storm) { s.repeat(100*time.Millisecond, s.terminate) },
		},
		{
			only:  true,
			fault: "a backend is killed", how: "kill -9 of a backend at work, again and again; the server then resets itself",
			own:    true,
			inject: func(s *storm) { s.repeat(pick(time.Second, 3*time.Second), s.killBackend) },
		},
		{
			fault: "the server crashes again and again", how: "`pg_ctl restart -m immediate` in a loop",
			own: true,
			inject: func(s *storm) {
				s.repeat(300*time.Millisecond, func() { s.must(s.cluster.Restart(s.Context(), "immediate")) })
			},
		},
		{
			fault: "the server is away", how: "`pg_ctl stop -m fast`, and a start later",
			own: true, only: true,
			inject: func(s *storm) {
				s.must(s.cluster.Stop(s.Context(), "fast"))
				s.pass(s.scale.fault)
				s.must(s.cluster.Start(s.Context()))
			},
		},
		{
			fault: "failover to a replica", how: "the primary crashes for good, its synchronous streaming replica is promoted and takes its address",
			own: true, before: (*storm).replicate, inject: (*storm).failOver,
		},
		{
			fault: "a read-only primary", how: "`default_transaction_read_only` is set on the server, and taken back",
			own: true, only: true,
			inject: func(s *storm) {
				s.exec("ALTER SYSTEM SET default_transaction_read_only = on")
				s.must(s.cluster.Reload(s.Context()))
				s.pass(s.scale.fault)
				s.exec("ALTER SYSTEM RESET default_transaction_read_only")
				s.must(s.cluster.Reload(s.Context()))
			},
		},
		{
			only:  true,
			fault: "connections to what has become read-only", how: "connections are cut, and those made anew can only read, also when later ones can write again, as to a demoted primary",
			own: true, lingers: true,
			inject: func(s *storm) {
				conn := s.admin()
				defer conn.Close(s.Context())
				for _, setting := range []string{"on", "off"} {
					_, err := conn.Exec(s.Context(), "ALTER DATABASE postgres SET default_transaction_read_only = "+setting)
					s.must(err)
					if setting == "on" {
						s.terminateBut(conn)
						s.pass(s.scale.fault)
					}
				}
			},
		},
		{
			only:  true,
			fault: "no connections left", how: "others take every connection that the server has, and the clients' are cut",
			own: true, server: []string{"max_connections=40"},
			inject: (*storm).exhaust,
		},
		{
			only:  true,
			fault: "short timeouts", how: "the role's `statement_timeout` is 100 ms and its `lock_timeout` 10 ms, and others lock the table of jobs now and then",
			inject: (*storm).hurry,
		},
		{
			only:  goruntime.GOOS != "linux",
			fault: "the disk is full", how: "no file of the server's may grow past a size (a limit of its processes, which it takes for a full disk), then it may again",
			own: true, server: []string{"wal_segment_size=1MB", "max_wal_size=32MB"},
			orders: func(o *orders) { o.Fill = 20_000 },
			inject: (*storm).fillDisk,
			after: func(s *storm, e *evidence) {
				if e.failedAdds() == 0 {
					s.Error("no add has failed, so nothing is proved")
				}
			},
		},
	})
}

// repeat does something at once and after each pause, for as long as the fault
// is to last.
func (s *storm) repeat(pause time.Duration, do func()) {
	for deadline := time.Now().Add(s.scale.fault); time.Now().Before(deadline); s.pass(pause) {
		do()
	}
}

// terminate ends every other connection to the database.
func (s *storm) terminate() {
	conn := s.admin()
	defer conn.Close(s.Context())
	s.terminateBut(conn)
}

// terminateBut ends every connection to the database but this.
func (s *storm) terminateBut(conn *pgx.Conn) {
	_, err := conn.Exec(s.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	s.must(err)
}

// killBackend kills the process that serves some client.
func (s *storm) killBackend() {
	conn := s.admin()
	defer conn.Close(s.Context())
	var pid int
	err := conn.QueryRow(s.Context(), `SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`).Scan(&pid)
	if errors.Is(err, pgx.ErrNoRows) {
		return // they are still connecting
	}
	s.must(err)
	s.must(syscall.Kill(pid, syscall.SIGKILL))
}

// replicate gives the server a replica that every commit waits for.
func (s *storm) replicate() {
	s.standby = s.cluster.Standby(s)
	s.exec("ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.must(s.cluster.Reload(s.Context()))
	conn := s.admin()
	defer conn.Close(s.Context())
	s.eventually(time.Minute, "the replica to be in step", func() bool {
		var n int
		s.must(conn.QueryRow(s.Context(), "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&n))
		return n == 1
	})
}

func (s *storm) failOver() {
	s.must(s.cluster.Stop(s.Context(), "immediate"))
	s.pass(s.scale.fault / 4)
	s.must(s.standby.Promote(s.Context()))
	s.cluster, s.dsn = s.standby, s.standby.DSN()
	s.proxy.Redirect(s.cluster.Addr())
}

// exhaust takes all connections, and holds them.
func (s *storm) exhaust() {
	var hogs []*pgx.Conn
	defer func() {
		for _, conn := range hogs {
			conn.Close(s.Context())
		}
	}()
	hogs = append(hogs, s.admin())
	s.repeat(200*time.Millisecond, func() {
		_, err := hogs[0].Exec(s.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'hog' AND pid <> pg_backend_pid()")
		s.must(err)
		for {
			config, err := pgx.ParseConfig(s.dsn)
			s.must(err)
			config.RuntimeParams["application_name"] = "hog"
			conn, err := pgx.ConnectConfig(s.Context(), config)
			if err != nil {
				return // there are none left
			}
			hogs = append(hogs, conn)
		}
	})
	if len(hogs) < 20 {
		s.Errorf("only %d connections were taken, so nothing is proved", len(hogs))
	}
}

// hurry sets short timeouts on the role, and makes statements wait.
func (s *storm) hurry() {
	conn := s.admin()
	defer conn.Close(s.Context())
	exec := func(sql string) {
		_, err := conn.Exec(s.Context(), sql)
		s.must(err)
	}
	var database string
	s.must(conn.QueryRow(s.Context(), "SELECT current_database()").Scan(&database))
	role := "ALTER ROLE CURRENT_USER IN DATABASE " + pgx.Identifier{database}.Sanitize()
	exec(role + " SET statement_timeout = '100ms'")
	exec(role + " SET lock_timeout = '10ms'")
	s.terminateBut(conn)
	s.repeat(150*time.Millisecond, func() {
		exec("BEGIN")
		exec("LOCK TABLE jobgen.job IN ACCESS EXCLUSIVE MODE")
		s.pass(50 * time.Millisecond)
		exec("COMMIT")
	})
	exec(role + " RESET ALL")
	s.terminateBut(conn)
}

// fillDisk limits the size of every file that the server writes. PostgreSQL
// ignores the signal that comes with it, so that it looks like a full disk.
func (s *storm) fillDisk() {
	if _, err := exec.LookPath("prlimit"); err != nil {
		s.Fatalf("%v: a full disk is made with prlimit(1) of util-linux, on Linux alone: apt-get install util-linux", err)
	}
	limit(s, s.cluster, strconv.Itoa(1100<<10))
	s.pass(s.scale.fault)
	limit(s, s.cluster, "unlimited")
}

func limit(s *storm, cluster *pgtest.Cluster, size string) {
	processes, err := cluster.Processes()
	s.must(err)
	for _, pid := range processes {
		// One that has ended meanwhile needs no limit.
		out, err := cluster.Command(s.Context(), "prlimit", "--pid", strconv.Itoa(pid), "--fsize="+size+":").CombinedOutput()
		if err != nil && syscall.Kill(pid, 0) == nil {
			s.Fatalf("limit process %d: %v\n%s", pid, err, out)
		}
	}
}

// failedAdds counts the adds that producers were told have failed.
func (e evidence) failedAdds() (n int) {
	for _, l := range e.producers {
		if l.What == addFailed || l.What == addRefused {
			n++
		}
	}
	return n
}
