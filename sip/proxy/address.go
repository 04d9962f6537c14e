package proxy

import (
	"net/netip"

	"clirgate/sip/message"
	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

type transportTarget = resolve.Target

func hostAddr(host string) (netip.Addr, bool) {
	var room [64]byte
	if len(host) > len(room) || len(host) == 0 {
		return netip.Addr{}, false
	}
	return message.HostAddr(append(room[:0], host...))
}

// networkOf is the transport that a transport parameter asks for; none means UDP (RFC
// 3263 4.1), TLS for sips. ok is false for a transport that is not spoken here.
func networkOf(param string, secure bool) (transport.Network, bool) {
	switch {
	case secure && (param == "" || param == "tcp" || param == "tls"):
		return transport.TLS, true
	case secure:
		return 0, false
	case param == "" || param == "udp":
		return transport.UDP, true
	case param == "tcp":
		return transport.TCP, true
	case param == "tls":
		return transport.TLS, true
	}
	return 0, false
}

// transportParam is the transport parameter in lower case, interned so that the usual
// ones cost nothing.
func transportParam(value []byte) string {
	for _, known := range [...]string{"udp", "tcp", "tls"} {
		if message.EqualFold(value, known) {
			return known
		}
	}
	return "other"
}

// place is where a sip or sips URI leads.
type place struct {
	target  transportTarget // of a numeric host
	numeric bool
	query   resolve.Query // otherwise
}

// placeOf reads the next hop out of a URI (RFC 3263 4); maddr stands for the host (RFC
// 3261 19.1.1). ok is false for a URI that leads nowhere by itself (tel, urn), or by a
// transport not spoken here.
func placeOf(uri []byte) (pl place, ok bool) {
	u, ok := message.ReadURI(uri)
	if !ok || u.Scheme != message.SIP && u.Scheme != message.SIPS {
		return place{}, false
	}
	part := func(s message.Span) []byte { return uri[s.Off:s.End] }
	host, param := part(u.Host), ""
	params := part(u.Params)
	for len(params) > 0 {
		var name, value []byte
		name, value, params = cutParam(params)
		switch {
		case message.EqualFold(name, "transport"):
			param = transportParam(value)
		case message.EqualFold(name, "maddr") && len(value) > 0:
			host = value
		}
	}
	n, ok := networkOf(param, u.Scheme == message.SIPS)
	if !ok {
		return place{}, false
	}
	if addr, isAddr := message.HostAddr(host); isAddr {
		pl.numeric = true
		pl.target = transportTarget{Net: n, Addr: netip.AddrPortFrom(addr, portOf(u.Port, n))}
		return pl, true
	}
	pl.query = resolve.Query{Secure: u.Scheme == message.SIPS, Host: string(host), Port: u.Port, Transport: param}
	return pl, true
}

// cutParam takes the first parameter off ";name=value;...".
func cutParam(params []byte) (name, value, rest []byte) {
	params = params[1:] // the semicolon
	end := len(params)
	eq := -1
	for i, c := range params {
		if c == ';' {
			end = i
			break
		}
		if c == '=' && eq < 0 {
			eq = i
		}
	}
	if eq < 0 {
		return params[:end], nil, params[end:]
	}
	return params[:eq], params[eq+1 : end], params[end:]
}

// own is one address of the gateway itself.
type own struct {
	host []byte
	port uint16
}

// ownAddresses lists every listener as bound and as advertised.
func ownAddresses(t *transport.Layer) (list []own) {
	for i := range t.Listeners() {
		l := uint8(i)
		local := t.Local(l)
		list = append(list, own{[]byte(local.Addr().String()), local.Port()})
		name := t.Advertised(l)
		if u, ok := message.ReadURI([]byte("sip:" + name)); ok {
			host := []byte("sip:" + name)[u.Host.Off:u.Host.End]
			list = append(list, own{host, portOf(u.Port, t.Network(l))})
		}
	}
	return list
}

// isOwn tells whether host and port are ours; port 0 means the default of any transport.
func (p *Proxy) isOwn(host []byte, port uint16) bool {
	for i := range p.own {
		o := &p.own[i]
		if (o.port == port || port == 0 && (o.port == 5060 || o.port == 5061)) && message.EqualHost(o.host, host) {
			return true
		}
	}
	return false
}

// isDomain tells whether host is the domain this gateway is responsible for.
func (t *table) isDomain(host []byte) bool {
	return t.domain != "" && message.EqualFold(host, t.domain)
}
