package loadtest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// role is what an endpoint does.
type role uint8

const (
	calling role = iota
	callee
	dying // a callee that is away every other while
)

// dest is where a message goes: an address, or the connection it belongs to.
type dest struct {
	addr netip.AddrPort
	conn *streamConn
}

// endpoint is one listening address of a loop, of callers or of callees.
type endpoint struct {
	loop     *Loop
	role     role
	network  string // udp, tcp, tls
	protocol string // in Via: UDP, TCP, TLS
	address  []byte // ip:port in Via and Contact
	hostport netip.AddrPort
	suffix   string // of Contact URIs: ;transport=tcp
	udp      *udpSocket
	streams  *streams
	buf      []byte // being written, for streams
	judge    oracle.Judge
	msg      wire.Message
	legs     map[uint64]*leg // callees, by Call-ID
	dead     bool
	fault    *fault // nil: a network without faults
	noSIP    int64  // received and not understood
}

// reliable tells whether the transport repeats by itself.
func (ep *endpoint) reliable() bool { return ep.udp == nil }

// splitAddress reads "udp:127.0.0.1:5060"; udp when no network is named.
func splitAddress(s string) (network, address string, err error) {
	network, address, ok := strings.Cut(s, ":")
	switch network {
	case "udp", "tcp", "tls":
	default:
		network, address, ok = "udp", s, true
	}
	if _, _, e := net.SplitHostPort(address); !ok || e != nil {
		return "", "", fmt.Errorf("address %q: want udp|tcp|tls:host:port", s)
	}
	return network, address, nil
}

// listen opens an endpoint.
func listen(l *Loop, r role, address string, tc tlsConfigs) (*endpoint, error) {
	network, hostport, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	ep := &endpoint{loop: l, role: r, network: network, protocol: strings.ToUpper(network), legs: map[uint64]*leg{}}
	var local net.Addr
	if network == "udp" {
		conn, err := listenUDP(hostport)
		if err != nil {
			return nil, err
		}
		if ep.udp, err = newUDPSocket(conn); err != nil {
			conn.Close()
			return nil, err
		}
		local = conn.LocalAddr()
		ep.hostport = unmap(local.(*net.UDPAddr).AddrPort())
	} else {
		ln, err := net.Listen("tcp", hostport)
		if err != nil {
			return nil, fmt.Errorf("listening on %s %s: %w", network, hostport, err)
		}
		local = ln.Addr()
		ep.hostport = unmap(local.(*net.TCPAddr).AddrPort())
		ep.suffix = ";transport=" + network
		client := (*tls.Config)(nil)
		if network == "tls" {
			ln, client = tls.NewListener(ln, tc.server), tc.client
		}
		ep.streams = newStreams(ep, ln, client)
	}
	ep.address = []byte(ep.hostport.String())
	return ep, nil
}

// begin gives a buffer for the next message.
func (ep *endpoint) begin() []byte {
	if ep.udp != nil {
		return ep.udp.begin()
	}
	return ep.buf[:0]
}

// end sends what was written to the buffer; sent, when not nil, gets the time.
func (ep *endpoint) end(b []byte, to dest, sent *atomic.Int64) {
	ep.loop.stats.sent++
	if ep.udp != nil {
		if ep.dead || ep.fault.drops() || ep.fault.holds(b, to, true, ep.loop.clock()) {
			return
		}
		ep.udp.end(b, to.addr, sent)
		return
	}
	ep.buf = b
	if sent != nil {
		sent.Store(ep.loop.clock())
	}
	c := to.conn
	if c == nil {
		c = ep.streams.to(to.addr)
	}
	if c != nil && !ep.dead {
		c.send(b)
	}
}

// resend sends a message kept for that.
func (ep *endpoint) resend(b []byte, to dest) {
	ep.loop.stats.retransmissions++
	ep.end(append(ep.begin(), b...), to, nil)
}

func (ep *endpoint) flush() {
	if ep.udp != nil {
		ep.udp.flush()
	}
}

func (ep *endpoint) close() {
	if ep.udp != nil {
		ep.udp.close()
		return
	}
	ep.streams.stop()
}

// receive handles one message; the loop's lock is held.
func (ep *endpoint) receive(b []byte, from dest, at int64) {
	if ep.dead || ep.udp != nil && (ep.fault.drops() || ep.fault.holds(b, from, false, at)) {
		return
	}
	ep.handle(b, from, at)
}

// handle reads one message and gives it to its side.
func (ep *endpoint) handle(b []byte, from dest, at int64) {
	m := &ep.msg
	if len(b) <= 4 { // keep-alive
		return
	}
	if err := m.Parse(b); err != nil {
		ep.noSIP++
		return
	}
	ep.loop.stats.received++
	if ep.role == calling {
		ep.loop.toCaller(ep, m, from, at)
	} else {
		ep.loop.toCallee(ep, m, from, at)
	}
}
