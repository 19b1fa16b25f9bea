package faulttest

import (
	"testing"
	"time"
)

func TestJobsSurviveTheServer(t *testing.T) {
	t.Parallel()
	runScenarios(t, familyServer, []scenario{
		{
			fault: "backends are terminated", how: "pg_terminate_backend of every connection, ten times a second",
			inject: func(s *storm) {
				conn := s.admin()
				defer conn.Close(s.Context())
				for deadline := time.Now().Add(s.scale.fault); time.Now().Before(deadline); s.pass(100 * time.Millisecond) {
					_, err := conn.Exec(s.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
					s.must(err)
				}
			},
		},
		{
			fault: "the server crashes again and again", how: "`pg_ctl restart -m immediate` in a loop",
			own: true,
			inject: func(s *storm) {
				for deadline := time.Now().Add(s.scale.fault); time.Now().Before(deadline); s.pass(300 * time.Millisecond) {
					s.must(s.cluster.Restart(s.Context(), "immediate"))
				}
			},
		},
	})
}
