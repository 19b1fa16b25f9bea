package postgres_test

import (
	"database/sql"
	"net/url"
	"testing"

	_ "github.com/lib/pq"

	"github.com/jobgen/jobgen/runtime/queuetest"
)

// The tests of transactions begin them with lib/pq too.
func init() {
	txDrivers["lib/pq"] = beginSQL("postgres", url.Values{"sslmode": {"disable"}})
	txDrivers["lib/pq binary"] = beginSQL("postgres", url.Values{"sslmode": {"disable"}, "binary_parameters": {"yes"}})
}

func TestTransactionsOfLibPQ(t *testing.T) {
	for name, parameters := range map[string]url.Values{
		"text":   {"sslmode": {"disable"}},
		"binary": {"sslmode": {"disable"}, "binary_parameters": {"yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lib := usual
			lib.openSQL = func(t testing.TB, dsn string) *sql.DB { return openSQL(t, "postgres", dsn, parameters) }
			queuetest.RunTransactions(t, lib.newStore)
		})
	}
}
