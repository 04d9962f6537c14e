// Package overload decides which new work to refuse, from how long work has waited before
// it was begun: a queue that does not become short again within an interval is one that
// nobody will ever catch up with (the observation of CoDel, RFC 8289). While there is such a
// queue, what has itself waited too long is refused. Neither rates nor processor shares are
// looked at, so nothing has to be configured for a machine.
//
// Controller is the gateway's own overload; Throttle is what a neighbour has told of its
// own (RFC 7339). Both are pure but for a lock: time is given by the caller.
package overload
