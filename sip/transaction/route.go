package transaction

import (
	"net/netip"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// responseFlow says where responses go to a request that came by f with that top
// Via (RFC 3261 18.2.2, RFC 3581 4): on streams back on the connection; by UDP to a
// numeric maddr, else to the source port if rport asks for it, else to the source
// address and the port of sent-by.
func responseFlow(m *message.Message, via *message.Via, f transport.Flow) transport.Flow {
	if f.Stream() {
		return f
	}
	port := viaPort(m, via)
	if maddr, ok := numericMaddr(m, via); ok && maddr.Is4() == f.Remote.Addr().Unmap().Is4() {
		f.Remote = netip.AddrPortFrom(maddr, port)
	} else if !via.RPort {
		f.Remote = netip.AddrPortFrom(f.Remote.Addr(), port)
	}
	return f
}

func numericMaddr(m *message.Message, via *message.Via) (netip.Addr, bool) {
	value, _, ok := m.Param(via.Params, "maddr")
	if !ok || value.Len() > len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]") {
		return netip.Addr{}, false
	}
	text := m.Get(value)
	if n := len(text); n > 2 && text[0] == '[' && text[n-1] == ']' {
		text = text[1 : n-1]
	}
	addr, err := netip.ParseAddr(string(text))
	return addr, err == nil
}

// reconnect is where a response goes when the connection its request came by is
// gone: a new one to the source address, at the port of sent-by (RFC 3261 18.2.2).
func reconnect(f transport.Flow, port uint16) transport.Flow {
	f.Conn = 0
	f.Remote = netip.AddrPortFrom(f.Remote.Addr(), port)
	return f
}
