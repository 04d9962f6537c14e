package transport

import (
	"context"
	"net"
	"net/netip"
)

func listenStream(address netip.AddrPort) (net.Listener, error) {
	network := "tcp6"
	if address.Addr().Is4() {
		network = "tcp4"
	}
	var lc net.ListenConfig
	return lc.Listen(context.Background(), network, address.String())
}
