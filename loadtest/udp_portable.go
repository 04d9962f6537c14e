//go:build !linux

package loadtest

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// udpSocket is the plain form for systems without batches: one system call a datagram,
// stamped when read.
type udpSocket struct {
	conn *net.UDPConn
	in   []byte
	out  []byte
	lost int64
}

func tuneUDP(int) error { return nil }

func newUDPSocket(conn *net.UDPConn) (*udpSocket, error) {
	_ = conn.SetReadBuffer(socketBuffer)
	return &udpSocket{conn: conn, in: make([]byte, maxPacket), out: make([]byte, 0, 2048)}, nil
}

// pollTime bounds a read that finds nothing.
const pollTime = 50 * time.Microsecond

func (s *udpSocket) receive(limit int, f func(b []byte, from netip.AddrPort, at int64)) int {
	for total := range limit {
		_ = s.conn.SetReadDeadline(time.Now().Add(pollTime))
		n, from, err := s.conn.ReadFromUDPAddrPort(s.in)
		if err != nil {
			return total
		}
		f(s.in[:n], unmap(from), time.Now().UnixNano())
	}
	return limit
}

func (s *udpSocket) begin() []byte { return s.out[:0] }

func (s *udpSocket) end(b []byte, to netip.AddrPort, sent *atomic.Int64) {
	s.out = b
	if sent != nil {
		sent.Store(time.Now().UnixNano())
	}
	if _, err := s.conn.WriteToUDPAddrPort(b, to); err != nil {
		s.lost++
	}
}

func (s *udpSocket) flush() {}

func (s *udpSocket) close() { s.conn.Close() }
