package main

import "testing"

func TestStatementsAreCountedByNameSinceAPointOfTheLog(t *testing.T) {
	t.Parallel()
	before := "7 bench_1 LOG:  statement: LISTEN \"jobgen_jobgen\"\n" +
		"8 bench_1 LOG:  execute stmtcache_1: -- name: Claim :many\n"
	after := "8 bench_1 LOG:  statement: -- ping\n" +
		"8 bench_1 LOG:  execute stmtcache_1: -- name: Claim :many\n" +
		"\tSELECT 1\n" +
		"8 bench_1 DETAIL:  parameters: $1 = '1'\n" +
		"7 bench_1 LOG:  statement: -- ping\n" +
		"9 bench_11 LOG:  execute stmtcache_1: -- name: Claim :many\n" +
		"8 bench_1 LOG:  execute stmtcache_2: -- name: RenewNode :execrows\n"
	s, err := countStatements([]byte(before+after), len(before), "bench_1")
	if err != nil {
		t.Fatal(err)
	}
	if s.asked["Claim"] != 1 || s.pings["Claim"] != 1 || s.asked["RenewNode"] != 1 || s.listenPings != 1 || s.total() != 4 || s.allPings() != 2 {
		t.Errorf("counted %+v", s)
	}
}
