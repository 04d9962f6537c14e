package trace

import "errors"

var (
	// ErrLate: the store did not answer within the budget.
	ErrLate = errors.New("trace: record not durable within its budget")
	// ErrFull: the store is so far behind that no record can wait for it any more.
	ErrFull = errors.New("trace: too many records wait for the store")
	// ErrStore: the store refused the batch; wraps the store's own error.
	ErrStore = errors.New("trace: store failed")
	// ErrClosed: the recorder is closed.
	ErrClosed = errors.New("trace: recorder closed")
	// ErrDecode: bytes that are no record.
	ErrDecode = errors.New("trace: not a record")
	// ErrVersion: a record of a newer program.
	ErrVersion = errors.New("trace: record of an unknown version")
)
