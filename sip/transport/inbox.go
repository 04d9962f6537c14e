package transport

const (
	inboxSmall = 8 << 10  // first size of a connection's buffer
	inboxKeep  = 32 << 10 // larger ones are given back when empty
)

// inbox is the read buffer of a connection: small while messages are.
type inbox struct {
	buf  []byte
	r, w int
	max  int
}

// space is where to read to; there always is some as long as no message exceeds max.
func (i *inbox) space() []byte {
	switch {
	case i.buf == nil || i.r == i.w && len(i.buf) > inboxKeep:
		i.buf = make([]byte, min(inboxSmall, i.max))
		i.r, i.w = 0, 0
	case i.r == i.w:
		i.r, i.w = 0, 0
	case i.w == len(i.buf) && i.r > 0:
		i.w = copy(i.buf, i.buf[i.r:i.w])
		i.r = 0
	case i.w == len(i.buf):
		grown := make([]byte, min(2*len(i.buf), i.max))
		copy(grown, i.buf)
		i.buf = grown
	}
	return i.buf[i.w:]
}

func (i *inbox) added(n int)   { i.w += n }
func (i *inbox) took(n int)    { i.r += n }
func (i *inbox) bytes() []byte { return i.buf[i.r:i.w] }
