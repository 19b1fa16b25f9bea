package postgres

import "context"

// retry repeats what the database gave up in favour of another transaction:
// a deadlock's victim or a serialization failure has changed nothing.
func retry[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		result, err := do()
		state := sqlState(err)
		if try == 5 || ctx.Err() != nil || state != deadlock && state != serializationFailure {
			return result, err
		}
	}
}
