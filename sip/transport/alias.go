package transport

import "net/netip"

const maxAliases = 8 // a connection

// reusable lets requests to the connection's own far end go over it. Dialled
// connections are from the start; accepted ones over TCP for exactly the address they
// came from, over TLS only when the peer has shown a certificate we verified (RFC 5923
// 8.2: the far end of an accepted connection is otherwise anybody).
func (s *streams) reusable(c *conn) { s.alias(c, c.flow.Remote) }

// Alias lets requests to an address go over the connection that f came by: for a
// request with the alias parameter in its topmost Via, the address advertised there
// (RFC 5923 5). It works for TLS with a verified client certificate only; whether that
// certificate speaks for the address is the caller's to know.
func (l *Layer) Alias(f Flow, to netip.AddrPort) bool {
	s := l.streams
	s.mu.Lock()
	c := s.conns[f.Conn]
	s.mu.Unlock()
	if c == nil || c.flow != f || f.Net != TLS || !c.verified.Load() {
		return false
	}
	return s.alias(c, unmapped(to))
}

func (s *streams) alias(c *conn, to netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c.flow.Conn] != c || len(c.routes) >= maxAliases {
		return false
	}
	r := route{c.flow.Net, c.flow.Listener, to}
	s.routes[r] = c
	c.routes[r] = true
	return true
}
