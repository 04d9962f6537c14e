package transaction

import (
	"bytes"
	"strconv"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// SendFailed tells that a message was not delivered. A request fails its client
// transaction; a response whose connection is lost is sent once more by a new one
// (RFC 3261 18.2.2), and else dropped (16.9). b may be cut short.
func (l *Layer) SendFailed(f transport.Flow, b []byte, err error) {
	via := sentVia(b)
	method := requestMethod(b)
	if method == message.MethodNone {
		if f.Stream() && f.Conn != 0 && bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
			_ = l.send(reconnect(f, via.port), b)
		}
		return
	}
	if method == message.ACK {
		method = message.INVITE
	}
	if len(via.branch) == 0 {
		return
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.key = appendClientKey(w.key[:0], method, via.branch)
	c, ok := l.clients.find(l.hash(w.key), w.key)
	if !ok {
		return
	}
	s := c.server
	s.mu.Lock()
	c.handle(onTransportError, nil)
	s.leave()
	s.release()
}

// lenientVia is what can be told of the top Via of a message cut short.
type lenientVia struct {
	branch []byte
	port   uint16
}

// sentVia reads the top Via of a message that this gateway wrote, or that it
// answered; of the latter only the port is used. A branch that may be cut off is
// none.
func sentVia(b []byte) (v lenientVia) {
	line, whole := viaLine(b)
	if comma := bytes.IndexByte(line, ','); comma >= 0 {
		line, whole = line[:comma], true
	}
	sentBy, params, more := bytes.Cut(line, []byte{';'})
	v.port = sentByPort(sentBy)
	for more {
		var p []byte
		p, params, more = bytes.Cut(params, []byte{';'})
		name, value, _ := bytes.Cut(p, []byte{'='})
		if message.EqualFold(bytes.TrimSpace(name), "branch") && (more || whole) {
			v.branch = bytes.TrimSpace(value)
			return v
		}
	}
	return v
}

// viaLine finds the first Via line; whole when its end is there.
func viaLine(b []byte) (line []byte, whole bool) {
	for {
		var found bool
		if _, b, found = bytes.Cut(b, []byte{'\n'}); !found {
			return nil, false
		}
		name, value, ok := bytes.Cut(b, []byte{':'})
		if name = bytes.TrimSpace(name); !ok || !message.EqualFold(name, "via") && !message.EqualFold(name, "v") {
			continue
		}
		line, _, whole = bytes.Cut(value, []byte{'\n'})
		return bytes.TrimRight(line, "\r"), whole
	}
}

// sentByPort reads the port of "SIP/2.0/UDP host:port".
func sentByPort(b []byte) uint16 {
	_, host, _ := bytes.Cut(bytes.TrimSpace(b), []byte{' '})
	if colon := bytes.LastIndexByte(host, ':'); colon >= 0 && colon > bytes.LastIndexByte(host, ']') {
		if n, err := strconv.ParseUint(string(bytes.TrimSpace(host[colon+1:])), 10, 16); err == nil && n > 0 {
			return uint16(n)
		}
	}
	if bytes.Contains(b, []byte("TLS")) {
		return 5061
	}
	return 5060
}
