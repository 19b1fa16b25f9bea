package engine

import "github.com/jobgen/jobgen/runtime/driver"

// maxErrors bounds how many errors of a tree are looked at.
const maxErrors = 1000

// A readError is an error whose text has been read, by the goroutine that met it.
type readError struct {
	error
	text string
}

func (e readError) Error() string { return e.text }
func (e readError) Unwrap() error { return e.error }

func readOnce(err error) error {
	if err == nil {
		return nil
	}
	return readError{err, ErrorText(err)}
}

// Is is errors.Is for an error that somebody else's code has returned: its
// methods may panic, and it may unwrap to itself.
func Is(err, target error) bool {
	return anyOf(err, func(err error) bool {
		is, ok := err.(interface{ Is(error) bool })
		return err == target || ok && is.Is(target)
	})
}

// Refusal returns the store's own answer in err, or nil.
func Refusal(err error) (refused *driver.RefusedError) {
	anyOf(err, func(err error) (ok bool) {
		refused, ok = err.(*driver.RefusedError)
		return ok
	})
	return refused
}

// anyOf reports whether one of the errors in err's tree is wanted.
func anyOf(err error, wanted func(error) bool) (found bool) {
	defer func() { _ = recover() }()
	waiting := []error{err}
	for n := 0; n < maxErrors && len(waiting) > 0; n++ {
		err, waiting = waiting[0], waiting[1:]
		if err == nil {
			continue
		}
		if wanted(err) {
			return true
		}
		switch wraps := err.(type) {
		case interface{ Unwrap() error }:
			waiting = append(waiting, wraps.Unwrap())
		case interface{ Unwrap() []error }:
			waiting = append(waiting, wraps.Unwrap()...)
		}
	}
	return false
}

// isRefused reports whether err is the store's own answer.
func isRefused(err error) bool { return Refusal(err) != nil }

// isFinal reports whether err is a refusal that stays.
func isFinal(err error) bool {
	refused := Refusal(err)
	return refused != nil && refused.Final
}
