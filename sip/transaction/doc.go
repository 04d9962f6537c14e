// Package transaction is RFC 3261 section 17 with RFC 6026 and RFC 4320: the four
// state machines, their timers, and the matching of requests and responses.
//
// A server transaction and the client transactions begun for it share one lock;
// the User is called with it held and must not block. There is no goroutine per
// message or per transaction: work happens on the reading goroutines of transport
// and on one timer goroutine.
//
// Locks are taken in this order: a server transaction's; then an index shard's or a
// wheel slot's. No two of one kind are ever held together, and no shard or slot lock
// is held while the User or the transport is called. The memory of a transaction is
// used again when nobody refers to it: its own machines, a lookup under way, a timer
// that is about to fire, or a User that called Hold.
//
// A lingering INVITE by UDP, server and client transaction together, takes about 2.3 KB
// (most of it the request, kept for 32 s); a lingering BYE, with its response, 1.4 KB.
// TestMemoryOfLingeringTransactions measures it. On streams a non-INVITE lingers not
// at all.
//
// No callback is made from inside a method that the User calls, except Terminated
// from Unlock.
package transaction
