package loadtest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// controlSize holds one SCM_TIMESTAMPNS message.
const controlSize = 64

// udpSocket moves datagrams in batches without waiting, and stamps what arrives with
// the kernel's time of arrival.
type udpSocket struct {
	conn *net.UDPConn
	fd   uintptr
	six  bool // an IPv6 socket

	in     [recvBatch]mmsghdr
	inVec  [recvBatch]unix.Iovec
	inFrom [recvBatch]unix.RawSockaddrInet6
	inCtl  [recvBatch][controlSize]byte
	inBuf  []byte

	out    [sendBatch]mmsghdr
	outVec [sendBatch]unix.Iovec
	outTo  [sendBatch]unix.RawSockaddrInet6
	outBuf [sendBatch][]byte
	sent   [sendBatch]*atomic.Int64
	queued int

	lost int64 // datagrams the kernel would not take
}

// tuneUDP sets buffers, beyond the system's limit when allowed.
func tuneUDP(fd int) error {
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], socketBuffer)
		}
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

func newUDPSocket(conn *net.UDPConn) (*udpSocket, error) {
	s := &udpSocket{conn: conn, inBuf: make([]byte, recvBatch*maxPacket)}
	s.six = conn.LocalAddr().(*net.UDPAddr).IP.To4() == nil
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Control(func(fd uintptr) { s.fd = fd }); err != nil {
		return nil, err
	}
	for i := range s.in {
		s.inVec[i].Base = &s.inBuf[i*maxPacket]
		s.inVec[i].SetLen(maxPacket)
		h := &s.in[i].hdr
		h.Iov, h.Iovlen = &s.inVec[i], 1
		h.Name = (*byte)(unsafe.Pointer(&s.inFrom[i]))
		h.Control = &s.inCtl[i][0]
	}
	for i := range s.out {
		s.outBuf[i] = make([]byte, 0, 2048)
		h := &s.out[i].hdr
		h.Iov, h.Iovlen = &s.outVec[i], 1
		h.Name = (*byte)(unsafe.Pointer(&s.outTo[i]))
	}
	return s, nil
}

// receive hands every datagram waiting to f, until none is left or limit are done.
func (s *udpSocket) receive(limit int, f func(b []byte, from netip.AddrPort, at int64)) int {
	total := 0
	for total < limit {
		for i := range s.in {
			s.in[i].hdr.Namelen = unix.SizeofSockaddrInet6
			s.in[i].hdr.SetControllen(controlSize)
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, s.fd, uintptr(unsafe.Pointer(&s.in[0])), recvBatch, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			if errno == unix.EAGAIN {
				return total
			}
			total++ // an ICMP error of an earlier send: try again, not for ever
			continue
		}
		for i := range int(n) {
			b := s.inBuf[i*maxPacket : i*maxPacket+int(s.in[i].n)]
			f(b, addrPort(&s.inFrom[i]), stamp(s.inCtl[i][:s.in[i].hdr.Controllen]))
		}
		total += int(n)
		if n < recvBatch {
			return total
		}
	}
	return total
}

// stamp reads the kernel's time of arrival, Unix ns.
func stamp(ctl []byte) int64 {
	const header = unix.SizeofCmsghdr
	if len(ctl) >= header+16 && binary.NativeEndian.Uint32(ctl[8:]) == unix.SOL_SOCKET && binary.NativeEndian.Uint32(ctl[12:]) == unix.SCM_TIMESTAMPNS {
		return int64(binary.NativeEndian.Uint64(ctl[header:]))*1e9 + int64(binary.NativeEndian.Uint64(ctl[header+8:]))
	}
	return time.Now().UnixNano()
}

// begin gives an empty buffer for the next datagram to send.
func (s *udpSocket) begin() []byte { return s.outBuf[s.queued][:0] }

// end queues b, which came from begin; when it leaves, the time is written to sent.
func (s *udpSocket) end(b []byte, to netip.AddrPort, sent *atomic.Int64) {
	i := s.queued
	s.outBuf[i], s.sent[i] = b, sent
	s.outVec[i].Base = &b[0]
	s.outVec[i].SetLen(len(b))
	s.out[i].hdr.Namelen = sockaddr(&s.outTo[i], to, s.six)
	if s.queued++; s.queued == sendBatch {
		s.flush()
	}
}

// flush sends what is queued.
func (s *udpSocket) flush() {
	if s.queued == 0 {
		return
	}
	now := time.Now().UnixNano()
	for i := range s.queued {
		if s.sent[i] != nil {
			s.sent[i].Store(now)
			s.sent[i] = nil
		}
	}
	for done := 0; done < s.queued; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, s.fd, uintptr(unsafe.Pointer(&s.out[done])), uintptr(s.queued-done), unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			// A refusal belongs to an earlier datagram of the same target; what the
			// kernel will not take now is lost, as on any network.
			if errno != unix.ECONNREFUSED {
				s.lost++
			}
			n = 1
		}
		done += int(n)
	}
	s.queued = 0
}

func addrPort(sa *unix.RawSockaddrInet6) netip.AddrPort {
	port := func(p *uint16) uint16 { b := (*[2]byte)(unsafe.Pointer(p)); return uint16(b[0])<<8 | uint16(b[1]) }
	if sa.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port(&v4.Port))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), port(&sa.Port))
}

func sockaddr(sa *unix.RawSockaddrInet6, to netip.AddrPort, six bool) uint32 {
	put := func(p *uint16) { b := (*[2]byte)(unsafe.Pointer(p)); b[0], b[1] = byte(to.Port()>>8), byte(to.Port()) }
	if !six {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().Unmap().As4()
		put(&v4.Port)
		return unix.SizeofSockaddrInet4
	}
	sa.Family, sa.Addr = unix.AF_INET6, to.Addr().As16()
	put(&sa.Port)
	return unix.SizeofSockaddrInet6
}

func (s *udpSocket) close() { s.conn.Close() }
