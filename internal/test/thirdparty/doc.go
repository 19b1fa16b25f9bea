// Package thirdparty holds tests and no code. They need what others wrote, and
// stand in a module of their own so that this is not in the module graph of
// jobgen's users; a test of internal/test/repo runs them.
package thirdparty
