//go:build linux && !portable

package transport

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamped is a TCP connection that knows when what was read last had come. For its one
// reader; TLS may be the reader.
type stamped struct {
	*net.TCPConn
	rc   syscall.RawConn
	try  func(fd uintptr) bool // receive, made once
	into []byte
	n    int
	err  error

	room    [4]uint64 // of a control message, aligned
	control int       // bytes of it
}

// stamp has a connection stamped, if the system does that.
func stamp(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	var refused error
	err = rc.Control(func(fd uintptr) {
		refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if err != nil || refused != nil {
		return nc
	}
	s := &stamped{TCPConn: tcp, rc: rc}
	s.try = s.receive
	return s
}

// Read is that of a net.Conn.
func (s *stamped) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	s.into = b
	err := s.rc.Read(s.try)
	s.into = nil
	switch {
	case err != nil:
		return 0, err
	case s.err != nil:
		return 0, os.NewSyscallError("recvmsg", s.err)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// receive receives once; false: there is nothing.
func (s *stamped) receive(fd uintptr) bool {
	for {
		s.n, s.control, _, _, s.err = unix.Recvmsg(int(fd), s.into, s.oob(), 0)
		if s.err != unix.EINTR {
			return s.err != unix.EAGAIN
		}
	}
}

func (s *stamped) oob() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&s.room)), int(unsafe.Sizeof(s.room)))
}

// came is when the last byte of what was read last had come; false: the system did not say.
func (s *stamped) came() (time.Time, bool) { return stampOf(&s.room, s.control) }
