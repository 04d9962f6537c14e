// Package relay moves datagrams between two sides without reading them: plain, as the
// cheapest element there can be, or losing, repeating and reordering some of them.
package relay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what a relay does to datagrams, each with its probability.
type Fault struct {
	Lose, Repeat, Reorder float64
	// Delay holds every datagram back; one that is reordered is held back by up to
	// Reordered more.
	Delay, Reordered time.Duration
	Seed             uint64
}

// Relay has a socket to each side. What arrives at the near one goes to the far target;
// what arrives at the far one goes to whoever sent to the near one last.
type Relay struct {
	near, far *net.UDPConn
	target    netip.AddrPort
	source    atomic.Pointer[netip.AddrPort]
	fault     Fault

	Moved, Lost, Repeated, Held atomic.Int64
}

// New opens a relay between near, where the element's neighbour sends, and target; far
// is the address it sends from, port 0 for any.
func New(near, far, target string, f Fault) (*Relay, error) {
	t, err := netip.ParseAddrPort(target)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", target, err)
	}
	r := &Relay{target: t, fault: f}
	if r.near, err = open(near); err != nil {
		return nil, err
	}
	if r.far, err = open(far); err != nil {
		r.near.Close()
		return nil, err
	}
	return r, nil
}

const socketBuffer = 8 << 20

func open(address string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	c, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	return c, nil
}

// Near and Far are the addresses of the two sides.
func (r *Relay) Near() string { return r.near.LocalAddr().String() }

// Far is the address on the target's side.
func (r *Relay) Far() string { return r.far.LocalAddr().String() }

// Run moves datagrams until ctx is done, then closes the sockets.
func (r *Relay) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { r.near.Close(); r.far.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		r.move(r.near, r.far, 0, func(from netip.AddrPort) (netip.AddrPort, bool) {
			if p := r.source.Load(); p == nil || *p != from {
				r.source.Store(&from)
			}
			return r.target, true
		})
	}()
	go func() {
		defer wg.Done()
		r.move(r.far, r.near, 1, func(netip.AddrPort) (netip.AddrPort, bool) {
			p := r.source.Load()
			if p == nil {
				return netip.AddrPort{}, false
			}
			return *p, true
		})
	}()
	wg.Wait()
}

const maxPacket = 64 << 10

func (r *Relay) move(in, out *net.UDPConn, stream uint64, to func(netip.AddrPort) (netip.AddrPort, bool)) {
	buf := make([]byte, maxPacket)
	random := rand.New(rand.NewPCG(r.fault.Seed, stream))
	for {
		n, from, err := in.ReadFromUDPAddrPort(buf)
		if err != nil {
			if n == 0 && isClosed(err) {
				return
			}
			continue // an ICMP error of an earlier send
		}
		where, ok := to(from)
		if !ok {
			continue
		}
		r.pass(out, buf[:n], where, random)
	}
}

// pass sends b, with whatever fault falls to it.
func (r *Relay) pass(out *net.UDPConn, b []byte, to netip.AddrPort, random *rand.Rand) {
	if r.fault.Lose > 0 && random.Float64() < r.fault.Lose {
		r.Lost.Add(1)
		return
	}
	times := 1
	if r.fault.Repeat > 0 && random.Float64() < r.fault.Repeat {
		r.Repeated.Add(1)
		times = 2
	}
	wait := r.fault.Delay
	if r.fault.Reorder > 0 && random.Float64() < r.fault.Reorder {
		r.Held.Add(1)
		wait += time.Duration(random.Int64N(int64(max(r.fault.Reordered, 1))))
	}
	for range times {
		r.Moved.Add(1)
		if wait == 0 {
			_, _ = out.WriteToUDPAddrPort(b, to)
			continue
		}
		held := append([]byte(nil), b...)
		time.AfterFunc(wait, func() { _, _ = out.WriteToUDPAddrPort(held, to) })
	}
}
