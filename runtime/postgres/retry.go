package postgres

import "context"

// tries is how often a statement is sent that the database gives up in favour
// of another transaction.
const tries = 5

// retry repeats what has changed nothing: a deadlock's victim, a serialization
// failure, and a prepared statement that the server forgot or that no longer
// fits, which pgx prepares anew.
func retry[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		result, err := do()
		if err == nil || ctx.Err() != nil {
			return result, err
		}
		switch sqlState(err) {
		case deadlock, serializationFailure:
			if try < tries {
				continue
			}
		case planOutdated, noSuchStatement:
			if try == 1 {
				continue
			}
		}
		return result, err
	}
}
