//go:build linux && !portable

package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	receiveMessages = 32      // messages a read
	socketBuffer    = 4 << 20 // bytes the kernel may hold for us, either way
	reusesPort      = true
)

// mmsghdr is struct mmsghdr of recvmmsg(2); Go pads it as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// lane is the memory of one direction of batched input and output.
type lane struct {
	hdrs  []mmsghdr
	iovs  []unix.Iovec
	addrs []unix.RawSockaddrInet6 // holds sockaddr_in too

	from, to int // messages of this call
	n        int // result
	errno    syscall.Errno
	call     func(fd uintptr) bool
	attempt  func(uintptr) bool // call, as the gate wants it
}

func newLane(n int) lane {
	l := lane{
		hdrs:  make([]mmsghdr, n),
		iovs:  make([]unix.Iovec, n),
		addrs: make([]unix.RawSockaddrInet6, n),
	}
	for i := range l.hdrs {
		h := &l.hdrs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&l.addrs[i]))
		h.Iov = &l.iovs[i]
		h.SetIovlen(1)
	}
	return l
}

// datagrams is a UDP socket read and written in batches (recvmmsg, sendmmsg), without
// telling the scheduler: no call on it ever blocks. One goroutine may receive and another
// send.
type datagrams struct {
	file     *os.File // the socket; not in the runtime's poller, see gate
	raw      syscall.RawConn
	gate     *gate
	v6       bool
	in, out  lane
	buffers  [][]byte
	arrival  arrival
	troubled atomic.Bool // the error queue may hold something

	// Of the receiving goroutine.
	last  time.Time            // the gate opened
	busy  bool                 // the gate is shut: input is looked for at every beat
	empty int                  // beats since there was any
	rest  func(then time.Time) // until the next beat
	leave func()               // before a rest that the scheduler does not see
}

// newDatagrams takes the socket over from conn.
func newDatagrams(conn *net.UDPConn, v6 bool, maxMessage int) (*datagrams, error) {
	d := &datagrams{v6: v6, rest: sleep, leave: func() {}, in: newLane(receiveMessages), out: newLane(batchMessages)}
	if err := d.takeOver(conn); err != nil {
		return nil, err
	}
	d.buffers = make([][]byte, receiveMessages)
	for i := range d.buffers {
		d.buffers[i] = make([]byte, maxMessage+1) // the extra byte shows that there was more
		d.in.iovs[i].Base = &d.buffers[i][0]
		d.in.iovs[i].SetLen(len(d.buffers[i]))
	}
	d.in.call, d.out.call = d.recvmmsg, d.sendmmsg
	d.in.attempt = func(uintptr) bool { return d.tryReceive() }
	return d, nil
}

// takeOver moves the socket of conn out of the runtime's poller.
func (d *datagrams) takeOver(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	if cerr := raw.Control(func(of uintptr) {
		if fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			err = unix.SetNonblock(fd, false) // or os.NewFile would put it in again
		}
	}); cerr != nil {
		return cerr
	}
	if err != nil {
		return err
	}
	d.file = os.NewFile(uintptr(fd), "udp")
	if d.raw, err = d.file.SyscallConn(); err == nil {
		d.gate, err = newGate(fd)
	}
	if err != nil {
		_ = d.file.Close()
		return err
	}
	return conn.Close()
}

// tryReceive reads what is there; false: nothing.
func (d *datagrams) tryReceive() bool {
	d.in.n, d.in.errno = 0, unix.EBADF
	_ = d.raw.Read(d.in.call)
	return d.in.errno != unix.EAGAIN || d.troubled.Load()
}

// received is what receive tells after an attempt.
func (d *datagrams) received(err error) (int, error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // wake
		d.gate.interrupted()
		return 0, errReport
	case err != nil:
		return 0, net.ErrClosed
	case d.in.errno == 0:
		return d.in.n, nil
	case d.in.errno == unix.EBADF:
		return 0, net.ErrClosed
	case d.in.errno != unix.EAGAIN: // an ICMP error of some earlier message: udp(7)
		d.troubled.Store(true)
	}
	return 0, errReport
}

func (d *datagrams) recvmmsg(fd uintptr) bool {
	for i := range d.in.hdrs {
		d.in.hdrs[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	d.arrival.ask(&d.in.hdrs[0].hdr)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&d.in.hdrs[0])),
			uintptr(len(d.in.hdrs)), unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		d.in.n, d.in.errno = int(n), errno
		return true
	}
}

// message is the i-th that receive got; cut: it was larger than the buffer.
func (d *datagrams) message(i int) (b []byte, from netip.AddrPort, cut bool) {
	h := &d.in.hdrs[i]
	return d.buffers[i][:h.n], addrPort(&d.in.addrs[i]), h.hdr.Flags&unix.MSG_TRUNC != 0
}

// send sends messages of q from the i-th on, in order, and tells how many left. With
// an error the next one is the cause. Does not wait: errAgain when there is no room.
func (d *datagrams) send(q *batch, i int) (int, error) {
	d.prepare(q, i)
	return d.write()
}

// sendPatiently is send that waits for room, at most as long as given.
func (d *datagrams) sendPatiently(q *batch, i int, wait time.Duration) (int, error) {
	_ = d.raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		_, _ = unix.Poll(fds, int(wait.Milliseconds()))
	})
	return d.send(q, i)
}

func (d *datagrams) prepare(q *batch, i int) {
	d.out.from, d.out.to = i, q.n
	for ; i < q.n; i++ {
		b := q.message(i)
		d.out.iovs[i].Base = unsafe.SliceData(b)
		d.out.iovs[i].SetLen(len(b))
		d.out.hdrs[i].hdr.Namelen = setSockaddr(&d.out.addrs[i], q.to[i], d.v6)
	}
}

func (d *datagrams) write() (int, error) {
	d.out.n, d.out.errno = 0, 0
	if d.raw.Write(d.out.call) != nil {
		return 0, net.ErrClosed
	}
	switch errno := d.out.errno; errno {
	case 0:
		return d.out.n, nil
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return 0, errAgain
	default:
		return 0, errno
	}
}

func (d *datagrams) sendmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&d.out.hdrs[d.out.from])),
			uintptr(d.out.to-d.out.from), unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		d.out.n, d.out.errno = int(n), errno
		if errno != 0 {
			d.out.n = 0
		}
		return true
	}
}

// wake makes receive return errReport soon.
func (d *datagrams) wake() {
	d.troubled.Store(true)
	d.gate.interrupt()
}

func (d *datagrams) close() error { return errors.Join(d.gate.close(), d.file.Close()) }

// addrPort reads a sockaddr_in or sockaddr_in6.
func addrPort(sa *unix.RawSockaddrInet6) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&sa.Port)) // same place in both
	p := uint16(port[0])<<8 | uint16(port[1])
	switch sa.Family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr), p)
	case unix.AF_INET6:
		a := netip.AddrFrom16(sa.Addr)
		if sa.Scope_id != 0 {
			a = a.WithZone(strconv.FormatUint(uint64(sa.Scope_id), 10))
		}
		return netip.AddrPortFrom(a, p)
	}
	return netip.AddrPort{}
}

// setSockaddr writes to and returns the length used.
func setSockaddr(sa *unix.RawSockaddrInet6, to netip.AddrPort, v6 bool) uint32 {
	port := (*[2]byte)(unsafe.Pointer(&sa.Port))
	port[0], port[1] = byte(to.Port()>>8), byte(to.Port())
	if !v6 {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family = unix.AF_INET
		sa4.Addr = to.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	sa.Family = unix.AF_INET6
	sa.Addr = to.Addr().As16()
	sa.Scope_id = scopeID(to.Addr().Zone())
	return unix.SizeofSockaddrInet6
}

// scopeID reads a zone: the index or the name of an interface.
func scopeID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}
