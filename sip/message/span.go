// Package message is one SIP message as a view over its received bytes: spans,
// no copies, no per-header allocation. Edits are collected and applied once;
// every byte not edited leaves as it came (RFC 3261 7, 16.6 item 1).
//
// Parse checks what an element on the path must be able to rely on (start line,
// top Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length, first Route) and
// leaves every other header alone, however it is written (RFC 3261 16.3 item 1).
// Lines may end in CRLF or, leniently, in a lone LF; bytes are never mended.
package message

// MaxSize is the largest message that can be viewed; offsets are 16 bits.
const MaxSize = 65535

// MaxHeaders is the largest number of header lines of one message.
const MaxHeaders = 255

// Span is a half-open range of bytes of one message.
type Span struct{ Off, End uint16 }

func (s Span) Empty() bool { return s.Off >= s.End }
func (s Span) Len() int    { return int(s.End) - int(s.Off) }

// Contains tells whether o lies wholly inside s.
func (s Span) Contains(o Span) bool { return s.Off <= o.Off && o.End <= s.End }

func span(off, end int) Span { return Span{uint16(off), uint16(end)} }

// Header is one header line as received, in wire order.
type Header struct {
	ID    HeaderID
	Name  Span // as written, long or compact
	Value Span // without surrounding white space, folding still inside
	Line  Span // from the first byte of the name to past its CRLF, folds included
}
