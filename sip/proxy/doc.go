// Package proxy is RFC 3261 section 16 with the gateway's purpose in the middle: read
// the facts of a request, decide, pick the next hop, apply the header table, search the
// finished bytes, have the record on disk, forward; and the way back.
//
// The path of a request is the list of steps in request.go, one file each. What its
// responses need is kept in its call, which lives as long as its server transaction and
// is guarded by that transaction's lock. Nothing else is kept of a dialog but the tokens
// that its own messages bring back (DESIGN D3), and one bounded piece of soft state: which
// parties of a dialog asked for privacy only after it had begun (raised.go).
package proxy
