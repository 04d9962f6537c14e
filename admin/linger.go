package admin

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// What a refused request has still to send is thrown away behind the answer, within
// bounds: a connection closed with unread data is reset (RFC 9112 9.6), and whoever is
// reset while sending sees no answer.
const (
	lingerBytes = 2 << 20
	lingerTime  = 2 * time.Second
)

// lingering makes the connections of a listener able to linger.
type lingering struct{ net.Listener }

func (l lingering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingerConn{Conn: c}, nil
}

// lingerConn is a connection that may have to be read on before it is closed.
type lingerConn struct {
	net.Conn
	unread atomic.Bool
}

// Close ends what is sent first, so that the answer is complete, then reads on until the
// other side has had it and closes too.
func (c *lingerConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && c.unread.Swap(false) && half.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// linger closes the connection behind the answer to a request that was not read whole: what
// is left would be taken for the next one.
func linger(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	if c, ok := ctx.Conn().(*lingerConn); ok {
		c.unread.Store(true)
	}
}
