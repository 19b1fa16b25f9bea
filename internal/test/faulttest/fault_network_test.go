package faulttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgproxy"
)

// statements are parts of the SQL that the runtime sends, one for each
// change whose reply may be lost.
var statements = map[string]string{
	"add":      "INSERT INTO jobgen.job",
	"claim":    "jobgen.claim(",
	"complete": "jobgen.complete(",
	"fail":     "jobgen.fail(",
	"turn":     "jobgen.finish_and_claim(", // complete and claim in one
	"commit":   "commit",
}

func TestJobsSurviveTheNetwork(t *testing.T) {
	t.Parallel()
	list := []scenario{
		{
			fault: "connections are reset", how: "RST on every connection, five times a second",
			only: true,
			inject: func(s *storm) {
				for deadline := time.Now().Add(s.scale.fault); time.Now().Before(deadline); s.pass(200 * time.Millisecond) {
					s.proxy.Reset(pgproxy.All)
				}
			},
		},
		{
			fault: "connections are half open", how: "every open connection falls silent for good; new ones work",
			lingers: true,
			only:    true,
			inject: func(s *storm) {
				s.proxy.HalfOpen(pgproxy.All)
				s.pass(s.scale.fault)
			},
		},
		{
			fault: "the listening connection is half open", how: "the connections that LISTEN fall silent for good; the others work",
			steady: true,
			inject: func(s *storm) {
				if n := s.proxy.HalfOpen(pgproxy.Listening); n != len(s.workers) {
					s.Errorf("%d connections listen, want one of each worker", n)
				}
				s.pass(s.scale.fault)
			},
		},
		{
			fault: "a black hole", how: "no message arrives in either direction, on new connections neither",
			only: true,
			inject: func(s *storm) {
				release := s.proxy.Hold(pgproxy.All, pgproxy.ToServer, pgproxy.ToClient)
				s.pass(s.scale.fault)
				release()
			},
		},
		{
			fault: "a one-way hole to the server", how: "no message arrives at the server, later ones on new connections neither",
			only: true,
			inject: func(s *storm) {
				release := s.proxy.Hold(pgproxy.All, pgproxy.ToServer)
				s.pass(s.scale.fault)
				release()
			},
		},
		{
			fault: "a one-way hole to the client", how: "the server's answers do not arrive, though it does what it is asked for",
			only: true,
			inject: func(s *storm) {
				release := s.proxy.Hold(pgproxy.All, pgproxy.ToClient)
				s.pass(s.scale.fault)
				release()
			},
		},
		{
			fault: "a slow network", how: "each message takes 30 ms longer",
			only: true,
			inject: func(s *storm) {
				end := s.proxy.Delay(pgproxy.All, 30*time.Millisecond)
				s.pass(s.scale.fault)
				end()
			},
		},
		{
			fault: "connections are cut after a reply", how: "each twentieth CommandComplete is the last that its connection sees",
			only: true,
			inject: func(s *storm) {
				stop := s.proxy.Cut(pgproxy.Cut{Every: 20, Reply: true})
				s.pass(s.scale.fault)
				stop()
			},
		},
	}
	for _, name := range []string{"add", "claim", "complete", "fail", "commit"} {
		list = append(list, scenario{
			fault:  fmt.Sprintf("the reply to %s is lost", name),
			only:   name == "claim" || name == "commit",
			how:    fmt.Sprintf("the connection is reset where the server says that a statement with `%s` is done and its transaction over, each third time", statements[name]),
			inject: func(s *storm) { s.lose(statements[name]) },
		})
	}
	list = append(list, scenario{
		fault: "the reply to complete and claim in one is lost", how: fmt.Sprintf("as above, with `%s`, which workers of one handler use", statements["turn"]),
		only:   true,
		orders: func(o *orders) { o.Handlers, o.Mix = 1, mix{modeQuick: 80, modeFlaky: 10, modeHopeless: 5, modeTx: 5} },
		inject: func(s *storm) { s.lose(statements["turn"]) },
	})
	list = append(list, scenario{
		fault: "the reply to claim is lost to the only worker", how: "as above, with one worker: nobody else can take its claims over",
		scale:  func(s *scale) { s.workers = 1 },
		inject: func(s *storm) { s.lose(statements["claim"]) },
	})
	runScenarios(t, familyNetwork, list)
}

// lose loses each third reply to a statement.
func (s *storm) lose(statement string) {
	stop := s.proxy.Cut(pgproxy.Cut{Statement: statement, Every: 3})
	s.pass(s.scale.fault)
	if n := stop(); n == 0 {
		s.Errorf("no reply to %q was lost, so nothing is proved", statement)
	}
}
