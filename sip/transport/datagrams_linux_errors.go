//go:build linux && !portable

package transport

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// failures reads the socket's error queue: each ICMP error with where the message was
// sent and as much of it as came back (ip(7), recvmsg(2) MSG_ERRQUEUE).
func (d *datagrams) failures(tell func(to netip.AddrPort, b []byte, err error)) {
	d.troubled.Store(false)
	b, oob := make([]byte, 2048), make([]byte, 512)
	for {
		var n, oobn int
		var from unix.Sockaddr
		var err error
		cerr := d.raw.Control(func(fd uintptr) {
			n, oobn, _, from, err = unix.Recvmsg(int(fd), b, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		})
		if err == unix.EINTR {
			continue
		}
		if cerr != nil || err != nil {
			return
		}
		if cause := icmpError(oob[:oobn]); cause != nil {
			tell(sockaddrPort(from), b[:n], cause)
		}
	}
}

// icmpError is the error that a router or host reported, nil for anything else. "Too
// big" is none: the system has learned the path's MTU and will fragment next time.
func icmpError(oob []byte) error {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range msgs {
		v4 := m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(m.Data) < 8 { // sock_extended_err: errno, origin, ...
			continue
		}
		errno, origin := syscall.Errno(binary.NativeEndian.Uint32(m.Data)), m.Data[4]
		remote := origin == unix.SO_EE_ORIGIN_ICMP || origin == unix.SO_EE_ORIGIN_ICMP6
		if remote && errno != 0 && errno != unix.EMSGSIZE {
			return errno
		}
	}
	return nil
}

func sockaddrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
