package loadtest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Datagram batches: how many a turn receives or sends with one system call, and how
// long one may be.
const (
	recvBatch = 64
	sendBatch = 16 // small: the first has waited for the last when they leave
	maxPacket = 16 << 10
)

// socketBuffer is asked for each way; a stall of the machine must not lose datagrams.
const socketBuffer = 8 << 20

// listenUDP opens a socket with large buffers.
func listenUDP(address string) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = tuneUDP(int(fd)) }); cerr != nil {
			return cerr
		}
		return err
	}}
	c, err := lc.ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on udp %s: %w", address, err)
	}
	return c.(*net.UDPConn), nil
}

// unmap makes IPv4 addresses compare alike.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
