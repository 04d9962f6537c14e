//go:build linux && !portable

package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setup asks for what a socket of ours needs: large buffers (as far as the system
// allows) and ICMP errors with the message they are about (ip(7), IP_RECVERR).
func (d *datagrams) setup() error {
	return d.control(func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
		}
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
		}
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) // see arrival
		if d.v6 {
			return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_RECVERR, 1)
		}
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_RECVERR, 1)
	})
}

// sharePort lets further sockets bind the port of this one, which is bound without
// SO_REUSEPORT so that another program's socket is not joined by mistake.
func (d *datagrams) sharePort() error { return d.control(reusePort) }

func (d *datagrams) control(f func(fd int) error) (err error) {
	if cerr := d.raw.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}

func reusePort(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// joinPort is the ListenConfig.Control of the further sockets.
func joinPort(_, _ string, c syscall.RawConn) (err error) {
	if cerr := c.Control(func(fd uintptr) { err = reusePort(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}
