// Package value holds the types of payload fields for which Go has none: [Date],
// a day of the calendar, [Decimal], an exact number, and [UUID]. Each is a plain
// value that is compared with ==, has a text that survives a round trip through
// JSON, and is read from and written to columns by database/sql. All are safe for
// concurrent use, as values are.
//
// It does no arithmetic beyond days of a date, and knows nothing of jobs.
package value
