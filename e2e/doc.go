// Package e2e holds whole-program tests: a gateway started from a literal
// configuration, real sockets on both sides, and an oracle that shares no code with
// the call path. Messages are data in testdata.
package e2e
