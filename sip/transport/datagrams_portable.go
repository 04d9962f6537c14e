//go:build !linux || portable

package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	socketBuffer = 4 << 20
	reusesPort   = false
)

// datagrams is a UDP socket on systems without batches: one message a call, one
// socket a listener, no ICMP errors. One goroutine may receive and another send.
type datagrams struct {
	conn   *net.UDPConn
	buffer []byte
	n      int
	from   netip.AddrPort
}

func newDatagrams(conn *net.UDPConn, _ bool, maxMessage int) (*datagrams, error) {
	return &datagrams{conn: conn, buffer: make([]byte, maxMessage+1)}, nil
}

func (d *datagrams) setup() error {
	_ = d.conn.SetReadBuffer(socketBuffer)
	_ = d.conn.SetWriteBuffer(socketBuffer)
	return nil
}

func (d *datagrams) keepPlace() {} // its reader never rests

func (d *datagrams) sharePort() error { return nil }

func joinPort(_, _ string, _ syscall.RawConn) error { return nil }

func (d *datagrams) receive() (int, error) {
	n, from, err := d.conn.ReadFromUDPAddrPort(d.buffer)
	switch {
	case err == nil:
		d.n, d.from = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		return 1, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = d.conn.SetReadDeadline(time.Time{})
		return 0, errReport
	case errors.Is(err, net.ErrClosed):
		return 0, err
	}
	return 0, errReport
}

func (d *datagrams) message(int) (b []byte, from netip.AddrPort, cut bool) {
	return d.buffer[:d.n], d.from, d.n == len(d.buffer)
}

func (d *datagrams) came() (time.Time, bool) { return time.Time{}, false }

func (d *datagrams) send(q *batch, i int) (int, error) {
	return d.sendPatiently(q, i, sendWait)
}

func (d *datagrams) sendPatiently(q *batch, i int, wait time.Duration) (int, error) {
	_ = d.conn.SetWriteDeadline(time.Now().Add(wait))
	_, err := d.conn.WriteToUDPAddrPort(q.message(i), q.to[i])
	var errno syscall.Errno
	switch {
	case err == nil:
		return 1, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, errAgain
	case errors.As(err, &errno):
		return 0, errno
	}
	return 0, err
}

func (d *datagrams) wake() { _ = d.conn.SetReadDeadline(time.Unix(1, 0)) }

func (d *datagrams) failures(func(to netip.AddrPort, b []byte, err error)) {}

func (d *datagrams) close() error { return d.conn.Close() }
