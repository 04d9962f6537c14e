package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// listenUDP binds n sockets to address. The first is bound alone, so that an address
// in use is an error; the others share its port.
func listenUDP(address netip.AddrPort, n, maxMessage int) (ds []*datagrams, local netip.AddrPort, err error) {
	defer func() {
		if err != nil {
			for _, d := range ds {
				_ = d.close()
			}
			ds = nil
		}
	}()
	if !reusesPort {
		n = 1
	}
	local = address
	for i := range n {
		var control func(network, address string, c syscall.RawConn) error
		if i > 0 {
			control = joinPort
		}
		d, bound, err := bindUDP(local, control, maxMessage)
		if err != nil {
			return ds, local, err
		}
		ds, local = append(ds, d), bound
		if i == 0 && n > 1 {
			if err := d.sharePort(); err != nil {
				return ds, local, fmt.Errorf("sharing port of %s: %w", local, err)
			}
		}
	}
	return ds, local, nil
}

func bindUDP(address netip.AddrPort, control func(string, string, syscall.RawConn) error, maxMessage int) (*datagrams, netip.AddrPort, error) {
	network := "udp6"
	if address.Addr().Is4() {
		network = "udp4"
	}
	lc := net.ListenConfig{Control: control}
	pc, err := lc.ListenPacket(context.Background(), network, address.String())
	if err != nil {
		return nil, address, err
	}
	conn := pc.(*net.UDPConn)
	d, err := newDatagrams(conn, !address.Addr().Is4(), maxMessage)
	if err == nil {
		err = d.setup()
	}
	if err != nil {
		_ = conn.Close()
		return nil, address, fmt.Errorf("socket options of %s: %w", address, err)
	}
	return d, unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort()), nil
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
