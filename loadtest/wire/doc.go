// Package wire reads and writes SIP messages for the load test: one pass over the
// bytes, nothing copied, nothing allocated once a Message has been used. It shares
// nothing with the gateway's own parser, so that an error in one cannot hide in the
// other.
package wire
