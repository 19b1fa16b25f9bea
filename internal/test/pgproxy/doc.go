// Package pgproxy stands between PostgreSQL's clients and a server and breaks
// their connections on purpose, at places that it chooses by the messages that
// pass: it knows where one message ends and the next begins, which statement a
// reply belongs to, and which connection listens for notifications. It knows
// nothing of jobs, and does not speak TLS: a client that asks for it is told
// that there is none, as by a server without.
//
// A connection that is held is silent, as behind a router that drops packets:
// nothing is lost, and what was sent arrives once it is let go, or never.
package pgproxy
