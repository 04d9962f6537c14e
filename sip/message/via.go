package message

import (
	"net/netip"
	"strconv"
)

// Via is one Via value.
type Via struct {
	Transport Span // "UDP", "TCP", "TLS" as written
	Host      Span
	Port      uint16 // 0: none
	Branch    []byte // nil: none
	Params    Span
	RPort     bool // rport present, with or without value
	OC        bool // oc present: the sender takes reports of load (RFC 7339)
	Whole     Span // this one value
}

// ParseVia reads one Via value (one of Values). It is lenient: Parse alone insists on
// proper parameters.
func (m *Message) ParseVia(s Span) (Via, bool) {
	v, _, ok := parseVia(m.buf, s)
	return v, ok
}

// parseVia reads "SIP/2.0/UDP host:port;params" with white space wherever it may be
// (RFC 3261 20.42), any protocol version, a comment behind it; strict tells whether
// the rest is as it should be.
func parseVia(b []byte, s Span) (v Via, strict, ok bool) {
	v.Whole = s
	end := int(s.End)
	i := int(s.Off)
	for range 2 {
		name := i
		if i = skipToken(b, i, end); i == name {
			return v, false, false
		}
		if i = skipSpace(b, i, end); i == end || b[i] != '/' {
			return v, false, false
		}
		i = skipSpace(b, i+1, end)
	}
	at := i
	i = skipToken(b, i, end)
	v.Transport = span(at, i)
	if at == i || i == end || !is(b[i], cSpace) {
		return v, false, false
	}
	if v.Host, i, ok = readHost(b, skipSpace(b, i, end), end); !ok {
		return v, false, false
	}
	if i = skipSpace(b, i, end); i < end && b[i] == ':' {
		if v.Port, i, ok = readPort(b, skipSpace(b, i+1, end), end); !ok {
			return v, false, false
		}
		i = skipSpace(b, i, end)
	}
	return viaParams(b, v, i)
}

func viaParams(b []byte, v Via, i int) (_ Via, strict, ok bool) {
	end := int(v.Whole.End)
	if i == end {
		return v, true, true
	}
	if b[i] == '(' {
		next, closed := skipComment(b, i, end)
		return v, closed && next == end, true
	}
	if b[i] != ';' {
		return v, false, false
	}
	v.Params = span(i, end)
	return v, v.readParams(b), true
}

// readParams looks for branch and rport and tells whether all parameters are proper
// ones, with one branch at most.
func (v *Via) readParams(b []byte) (strict bool) {
	strict = true
	for at, end := int(v.Params.Off), int(v.Params.End); at < end; {
		p, next, ok := strictParam(b, at, end)
		strict = strict && ok
		switch name := b[p.Name.Off:p.Name.End]; {
		case EqualFold(name, "branch"):
			strict = strict && v.Branch == nil
			if v.Branch == nil && !p.Value.Empty() {
				v.Branch = b[p.Value.Off:p.Value.End]
			}
		case EqualFold(name, "rport"):
			v.RPort = true
		case EqualFold(name, "oc"):
			v.OC = true
		}
		at = next
	}
	return strict
}

// AppendVias appends all Via lines of a received request to dst as they belong
// into its responses: the topmost with received and rport as RFC 3581 section 4 and
// RFC 3261 18.2.1 want them, for a request that came from source.
func (m *Message) AppendVias(dst []byte, source netip.AddrPort) []byte {
	top := m.First(HVia)
	for h := range m.All(HVia) {
		if h == top && m.viaOK && source.Addr().IsValid() {
			dst = m.appendTopVia(dst, h, source)
		} else {
			dst = m.appendLine(dst, h.Line)
		}
	}
	return dst
}

// appendTopVia writes the line of the topmost value: rport filled in when it is asked
// for, received when the source is not what sent-by says or rport is asked for. Such
// parameters of the sender's own are taken out, since they could misdirect.
func (m *Message) appendTopVia(dst []byte, h *Header, source netip.AddrPort) []byte {
	v := m.via
	at := h.Line.Off
	forged := false
	for p := range m.Params(v.Params) {
		received := EqualFold(m.Get(p.Name), "received")
		if received || EqualFold(m.Get(p.Name), "rport") {
			dst = append(dst, m.buf[at:p.Whole.Off]...)
			at = p.Whole.End
		}
		forged = forged || received
	}
	dst = append(dst, m.buf[at:v.Whole.End]...)
	addr := source.Addr().Unmap().WithZone("")
	if v.RPort || forged || !hostIs(m.Get(v.Host), addr) {
		dst = append(dst, ";received="...)
		dst = addr.AppendTo(dst)
	}
	if v.RPort {
		dst = append(dst, ";rport="...)
		dst = strconv.AppendUint(dst, uint64(source.Port()), 10)
	}
	return m.appendLine(dst, Span{v.Whole.End, h.Line.End})
}

// hostIs tells whether a host is the address addr.
func hostIs(host []byte, addr netip.Addr) bool {
	written, ok := HostAddr(host)
	return ok && written == addr
}

// appendLine appends header bytes that end a line, with a CRLF if they had no end.
func (m *Message) appendLine(dst []byte, s Span) []byte {
	dst = append(dst, m.Get(s)...)
	if len(dst) == 0 || dst[len(dst)-1] != '\n' {
		dst = append(dst, "\r\n"...)
	}
	return dst
}
