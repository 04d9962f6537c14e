//go:build linux && !portable

package transport

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// arrival is room for what the kernel says of when a datagram came (SO_TIMESTAMPNS). It is
// asked for the first of a batch alone, which has waited longest.
type arrival struct {
	room [4]uint64 // a control message header and a timespec, aligned
	hdr  *unix.Msghdr
}

// ask makes room in the header of a message that is to be received.
func (a *arrival) ask(h *unix.Msghdr) {
	a.hdr = h
	h.Control = (*byte)(unsafe.Pointer(&a.room))
	h.SetControllen(int(unsafe.Sizeof(a.room)))
}

// came is when the first message of the batch came; false: the kernel did not say.
func (d *datagrams) came() (time.Time, bool) {
	if d.arrival.hdr == nil {
		return time.Time{}, false
	}
	return stampOf(&d.arrival.room, int(d.arrival.hdr.Controllen))
}

// stampOf reads a control message of n bytes; false: it is no time.
func stampOf(room *[4]uint64, n int) (time.Time, bool) {
	if n < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return time.Time{}, false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(room))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return time.Time{}, false
	}
	at := (*unix.Timespec)(unsafe.Add(unsafe.Pointer(room), unix.CmsgLen(0)))
	return time.Unix(at.Unix()), true
}
