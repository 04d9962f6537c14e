// Package oracle says what each side of a call may see, and looks whether it is so. It
// is an independent statement: it knows the caller's spellings and what was asked for,
// nothing of how the element under test works, and shares no code with the gateway.
//
// It searches every byte of a message for what belongs to a withheld caller, and reads
// the headers that must, or must never, be there (STANDARDS 6.2 to 6.9, test oracle 7.1).
package oracle
