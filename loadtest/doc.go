// Package loadtest calls through a SIP element at a set rate, answers the calls, and
// judges every message of every call (loadtest/oracle).
//
// It is open loop: calls start when a Poisson process says so, whatever became of the
// earlier ones, and times count from the intended start, so that a slow element is
// measured rather than waited for. Arrivals of messages are stamped by the kernel, so
// that the generator's own turn of about a millisecond is not in the element's delay.
//
// A Loop owns the sockets, the calls and the timers of both sides and is driven by one
// goroutine; several loops share a rate. The callee side knows nothing of the caller's
// but what the called number says: which behaviour, and what it may see. Which caller it
// is, it looks up in the Book, for the oracle alone.
package loadtest
