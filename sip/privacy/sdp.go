package privacy

import (
	"bytes"
	"net/netip"
	"strconv"

	"clirgate/sip/message"
)

// sdpLine is what a line of SDP becomes; do appends the line without its end, nothing
// to drop it. value is what stands behind "=".
type sdpLine struct {
	action Action
	do     func(w *bodyWriter, dst, value []byte) []byte
}

// sdpLines is STANDARDS 6.7 by the letter of the line (RFC 8866 section 5); a letter that
// is not here goes. The same towards T and U.
var sdpLines = [256]sdpLine{
	'v': {Rewrite, func(_ *bodyWriter, dst, _ []byte) []byte { return append(dst, "v=0"...) }},
	'o': {Map, (*bodyWriter).sdpOrigin},
	's': {Anonymise, func(_ *bodyWriter, dst, _ []byte) []byte { return append(dst, "s=-"...) }},
	'i': {action: Remove},
	'u': {action: Remove},
	'e': {action: Remove},
	'p': {action: Remove},
	'k': {action: Remove},
	'c': {Rewrite, (*bodyWriter).sdpConnection}, // stays: media would not arrive
	'b': {action: Keep},
	't': {action: Keep},
	'r': {action: Keep},
	'z': {action: Keep},
	'm': {Rewrite, (*bodyWriter).sdpMedia}, // stays, but for MSRP
	'a': {Rewrite, (*bodyWriter).sdpAttribute},
}

// sdp writes a session description without what tells who sends it.
func (w *bodyWriter) sdp(dst []byte, p *part) (out []byte, ok bool) {
	from := len(dst)
	b := w.m.Get(p.content)
	for len(b) > 0 {
		line, end, rest := cutLine(b)
		b = rest
		start := len(dst)
		if dst = w.sdpLine(dst, line); len(dst) > start {
			dst = append(dst, end...)
		}
	}
	if w.holds(dst[from:]) {
		dst = w.sdpWithoutNumber(dst, from)
	}
	return dst, true
}

// cutLine is the first line of b, its end (CRLF, LF or nothing), and what follows.
func cutLine(b []byte) (line, end, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil, nil
	}
	at := i
	if at > 0 && b[at-1] == '\r' {
		at--
	}
	return b[:at], b[at : i+1], b[i+1:]
}

func (w *bodyWriter) sdpLine(dst, line []byte) []byte {
	if len(line) < 2 || line[1] != '=' || bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
		return dst
	}
	l := &sdpLines[line[0]]
	switch {
	case l.action == Keep:
		return append(dst, line...)
	case l.do != nil:
		return l.do(w, dst, line[2:])
	}
	return dst
}

// sdpWithoutNumber writes the lines in dst[from:] again without those that hold the
// sender's number still; times are needed, so they are told as unbounded.
func (w *bodyWriter) sdpWithoutNumber(dst []byte, from int) []byte {
	b := append([]byte(nil), dst[from:]...) // rare
	dst = dst[:from]
	for len(b) > 0 {
		line, end, rest := cutLine(b)
		b = rest
		switch {
		case !w.holds(line):
			dst = append(append(dst, line...), end...)
		case line[0] == 't':
			dst = append(append(dst, "t=0 0"...), end...)
		}
	}
	return dst
}

// sdpOrigin is o=username sess-id sess-version nettype addrtype address (RFC 8866 section
// 5.2). The session keeps one id and counts its versions on, so that the other side sees
// which descriptions are new (RFC 3264 section 8).
func (w *bodyWriter) sdpOrigin(dst, value []byte) []byte {
	_, value = sdpField(value)
	id, value := sdpField(value)
	received, _ := sdpField(value)
	dst = append(dst, "o=- "...)
	dst = strconv.AppendUint(dst, w.sdpNumber("session", id, 8), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, w.sdpVersion(received), 10)
	return appendSDPAddress(dst, w.t.Next.Contact)
}

// sdpField cuts the first word off.
func sdpField(b []byte) (field, rest []byte) {
	b = trimSpace(b)
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// sdpNumber is a keyed number of at most that many digits, too few for a telephone number.
func (w *bodyWriter) sdpNumber(purpose string, text []byte, digits int) uint64 {
	if w.t.Keys == nil {
		return 1
	}
	bound := uint64(1)
	for range digits {
		bound *= 10
	}
	return 1 + w.t.Keys.number(w.d, purpose, text)%(bound-1)
}

// sdpVersion counts from 1 where the first version is known: that of the caller's
// initial request, which all tokens of the dialog hold. Otherwise (the callee's, a late
// offer's answer) a number of the dialog's own is added to what was received: it grows
// as the received one does, on every gateway. What is no number becomes 1.
func (w *bodyWriter) sdpVersion(received []byte) uint64 {
	v, ok := sdpVersionOf(received)
	switch {
	case !ok:
		return 1
	case !w.countsVersions():
		return v + w.sdpNumber("version", nil, 6)
	case v < w.d.SDPVersion:
		return 1
	}
	return v - w.d.SDPVersion + 1
}

func (w *bodyWriter) countsVersions() bool { return w.d.HasSDP && w.t.Sender == Caller }

func sdpVersionOf(text []byte) (v uint64, ok bool) {
	if len(text) > 20 || !allDigits(text) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(text), 10, 64)
	return v, err == nil
}

// appendSDPAddress appends the host of hostport as nettype, addrtype and address.
func appendSDPAddress(dst []byte, hostport string) []byte {
	if a, err := netip.ParseAddrPort(hostport); err == nil {
		return appendSDPAddr(dst, a.Addr())
	}
	host := hostport
	if a, ok := message.HostAddr([]byte(host)); ok {
		return appendSDPAddr(dst, a)
	}
	for i := len(host) - 1; i >= 0; i-- {
		if host[i] == ':' {
			host = host[:i]
			break
		}
	}
	return append(append(dst, " IN IP4 "...), host...)
}

func appendSDPAddr(dst []byte, a netip.Addr) []byte {
	if a = a.Unmap(); a.Is4() {
		dst = append(dst, " IN IP4 "...)
	} else {
		dst = append(dst, " IN IP6 "...)
	}
	return a.AppendTo(dst)
}

// noAddress is where a name that holds the number stood: nothing is sent there.
const noAddress = "IN IP4 0.0.0.0"

// sdpConnection keeps "IN IP4 address" (IP6, a name, with /ttl) and nothing behind it.
func (w *bodyWriter) sdpConnection(dst, value []byte) []byte {
	return w.sdpAddress(append(dst, "c="...), value)
}

// sdpAddress appends the three fields of an address.
func (w *bodyWriter) sdpAddress(dst, value []byte) []byte {
	network, rest := sdpField(value)
	kind, rest := sdpField(rest)
	address, _ := sdpField(rest)
	if string(network) != "IN" || string(kind) != "IP4" && string(kind) != "IP6" || len(address) == 0 {
		return append(dst, noAddress...)
	}
	host, _, _ := bytes.Cut(address, []byte{'/'})
	if _, ok := message.HostAddr(host); !ok && w.holds(address) {
		return append(dst, noAddress...)
	}
	dst = append(append(dst, "IN "...), kind...)
	return append(append(dst, ' '), address...)
}

// sdpMedia keeps a media line, but refuses MSRP, whose path names the device and would
// need a relay (port 0, RFC 3264 section 6).
func (w *bodyWriter) sdpMedia(dst, value []byte) []byte {
	media, rest := sdpField(value)
	port, rest := sdpField(rest)
	proto, formats := sdpField(rest)
	if len(proto) == 0 || w.anyHolds(media, port, proto) || w.fieldHolds(formats) {
		return append(dst, "m=audio 0 RTP/AVP 0"...)
	}
	if bytes.Contains(proto, []byte("MSRP")) {
		port = []byte{'0'}
	}
	dst = append(append(append(dst, "m="...), media...), ' ')
	dst = append(append(dst, port...), ' ')
	dst = append(dst, proto...)
	if formats = trimSpace(formats); len(formats) > 0 {
		dst = append(append(dst, ' '), formats...)
	}
	return dst
}

// fieldHolds looks at each format for itself: payload types in a row are no number.
func (w *bodyWriter) fieldHolds(formats []byte) bool {
	for len(formats) > 0 {
		var one []byte
		if one, formats = sdpField(formats); w.anyHolds(one) {
			return true
		}
	}
	return false
}

func (w *bodyWriter) anyHolds(fields ...[]byte) bool {
	for _, f := range fields {
		if len(f) >= minDigits && w.holds(f) {
			return true
		}
	}
	return false
}
