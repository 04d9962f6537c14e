package transport

import "bytes"

// frame is what a framer makes of the bytes it was shown.
type frame uint8

const (
	frameMore     frame = iota // incomplete
	frameWhole                 // a message
	frameNoLength              // a header section without Content-Length: where the message ends is unknown
	frameBad                   // a Content-Length that is no number, or two that differ
	frameTooLarge
)

// framer finds the end of one message on a stream (RFC 3261 18.3): the empty line
// after the header fields, and Content-Length (compact "l", any case, folded). It
// reads on where it stopped, so the work is linear however small the pieces are. The
// zero value with max set is ready; reset it for each message.
type framer struct {
	max    int // bytes a message may have
	line   int // where the header field begins that is being read
	pos    int // examined so far
	header int // length of the header section with its empty line; 0: not seen yet
	length int // Content-Length + 1; 0: none so far
}

func (f *framer) reset() { *f = framer{max: f.max} }

// next examines b, which begins with the message and only ever grows. n is the
// message's length for frameWhole, the header section's for frameNoLength.
func (f *framer) next(b []byte) (n int, what frame) {
	for f.header == 0 {
		i := bytes.Index(b[f.pos:], crlf)
		if i < 0 {
			f.pos = max(f.pos, len(b)-1)
			return 0, f.more(b)
		}
		end := f.pos + i
		switch {
		case end == f.line:
			f.header = end + 2
		case end+2 == len(b): // a folded line may follow
			f.pos = end
			return 0, f.more(b)
		case b[end+2] == ' ' || b[end+2] == '\t':
			f.pos = end + 2
		default:
			if !f.field(b[f.line:end]) {
				return 0, frameBad
			}
			f.line, f.pos = end+2, end+2
		}
	}
	switch total := f.header + f.length - 1; {
	case f.header > f.max || total > f.max:
		return 0, frameTooLarge
	case f.length == 0:
		return f.header, frameNoLength
	case total > len(b):
		return 0, frameMore
	default:
		return total, frameWhole
	}
}

func (f *framer) more(b []byte) frame {
	if len(b) >= f.max {
		return frameTooLarge
	}
	return frameMore
}

// field takes note of a Content-Length; false when it cannot be relied on.
func (f *framer) field(line []byte) bool {
	if f.line == 0 { // the start line
		return true
	}
	name, value, _ := bytes.Cut(line, colon)
	if !isContentLength(bytes.TrimRight(name, " \t\r\n")) {
		return true
	}
	value = bytes.Trim(value, " \t\r\n")
	length := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		length = min(length*10+int(c-'0'), f.max+1)
	}
	if len(value) == 0 || f.length != 0 && f.length != length+1 {
		return false
	}
	f.length = length + 1
	return true
}

func isContentLength(name []byte) bool {
	switch len(name) {
	case 1:
		return name[0]|0x20 == 'l'
	case len("content-length"):
		return bytes.EqualFold(name, contentLength)
	}
	return false
}

var (
	crlf          = []byte("\r\n")
	colon         = []byte(":")
	contentLength = []byte("content-length")
)
