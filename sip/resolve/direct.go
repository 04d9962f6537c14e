package resolve

import (
	"net"
	"net/netip"
	"strings"

	"clirgate/sip/transport"
)

func joinHostPort(host, port string) string { return net.JoinHostPort(host, port) }

// normal is the form names are compared in.
func (q Query) normal() Query {
	q.Host = strings.ToLower(strings.TrimSuffix(q.Host, "."))
	return q
}

// network is the transport that q alone determines (RFC 3263 4.1: parameter, numeric
// host, explicit port); ok false: DNS decides. 0: none that we can send by.
func (q Query) network(numeric bool) (n transport.Network, ok bool) {
	switch q.Transport {
	case "":
		switch {
		case !numeric && q.Port == 0:
			return 0, false
		case q.Secure:
			return transport.TLS, true
		}
		return transport.UDP, true
	case "udp":
		if !q.Secure {
			return transport.UDP, true
		}
	case "tcp":
		if q.Secure {
			return transport.TLS, true
		}
		return transport.TCP, true
	case "tls":
		return transport.TLS, true
	}
	return 0, true
}

// port is the one given, or the default of the transport (RFC 3261 19.1.2).
func (q Query) port(n transport.Network) uint16 {
	switch {
	case q.Port != 0:
		return q.Port
	case n == transport.TLS:
		return 5061
	}
	return 5060
}

// direct appends the target of a host that needs no question: an address, localhost.
func (r *Resolver) direct(dst []Target, q Query) ([]Target, bool) {
	addr, ok := numeric(q.Host)
	if !ok {
		return dst, false
	}
	if n, _ := q.network(true); n != 0 && r.supports(n) {
		dst = append(dst, Target{n, netip.AddrPortFrom(addr, q.port(n))})
	}
	return dst, true
}

func numeric(host string) (netip.Addr, bool) {
	if host == "" {
		return netip.Addr{}, false
	}
	if host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	} else if host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	} else if (host[0] < '0' || host[0] > '9') && strings.IndexByte(host, ':') < 0 {
		return netip.Addr{}, false // ParseAddr would say so too, but allocate
	}
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}
