package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// sdpAttributes are the attributes of a withheld party's SDP that stay: what a telephone
// needs for media to flow. All others go: unknown ones, tool, keywds, cat, lang,
// charset, identity (who and what sends), ICE candidates and credentials (addresses,
// useless without them), path and msrp-cname (need a relay), key-mgmt (names its sender).
var sdpAttributes = newSDPAttributes(
	// direction and codecs, RFC 8866 6, RFC 4733
	"sendrecv", "sendonly", "recvonly", "inactive", "rtpmap", "fmtp", "ptime", "maxptime", "framerate",
	"framesize", "imageattr", "quality", "orient", "type", "silenceSupp", "gpmd", "ecan", "direction", "maxprate",
	// RTP and RTCP, RFC 3605, 4585, 5506, 5761, 3611, 8858, 8285, 5576, 8853, 8851
	"rtcp", "rtcp-fb", "rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "rtcp-xr", "extmap", "extmap-allow-mixed",
	"ssrc", "ssrc-group", "simulcast", "rid",
	// grouping, RFC 5888, 9143, 8830, 4574, 4796
	"group", "mid", "bundle-only", "msid", "msid-semantic", "label", "content",
	// keys and connections: end to end, linkable between calls (STANDARDS 6.7),
	// RFC 4145, 8122, 4568, 8842
	"setup", "connection", "fingerprint", "crypto", "tls-id", "dtls-id",
	// preconditions, RFC 3312
	"curr", "des", "conf",
	// fax, ITU-T T.38 annex D
	"T38FaxVersion", "T38MaxBitRate", "T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG",
	"T38FaxRateManagement", "T38FaxMaxBuffer", "T38FaxMaxDatagram", "T38FaxMaxIFP", "T38FaxUdpEC", "T38FaxUdpECDepth",
	"T38FaxUdpFECMaxSpan", "T38ModemType", "T38VendorInfo",
	// data channels, RFC 8841; floor control, RFC 8856
	"sctp-port", "sctpmap", "max-message-size", "floorctrl", "confid", "floorid",
)

// attributeSet finds names by length first.
type attributeSet [32][]string

func newSDPAttributes(names ...string) (set attributeSet) {
	for _, n := range names {
		set[len(n)] = append(set[len(n)], n)
	}
	return set
}

func (s *attributeSet) has(name []byte) bool {
	if len(name) >= len(s) {
		return false
	}
	for _, n := range s[len(name)] {
		if message.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// sdpAttribute keeps a=name or a=name:value of sdpAttributes; ssrc with its cname mapped.
func (w *bodyWriter) sdpAttribute(dst, value []byte) []byte {
	name, text, _ := bytes.Cut(value, []byte{':'})
	switch {
	case !sdpAttributes.has(name):
		return dst
	case message.EqualFold(name, "ssrc"):
		return w.sdpSource(dst, text)
	case message.EqualFold(name, "rtcp"):
		return w.sdpRTCP(dst, text)
	}
	return append(append(dst, "a="...), value...)
}

// sdpSource is a=ssrc:id attribute[:value] (RFC 5576 section 4.1).
func (w *bodyWriter) sdpSource(dst, text []byte) []byte {
	id, attribute := sdpField(text)
	name, value, _ := bytes.Cut(attribute, []byte{':'})
	dst = append(append(dst, "a=ssrc:"...), id...)
	dst = append(dst, ' ')
	if !message.EqualFold(name, "cname") || w.t.Keys == nil {
		return append(dst, attribute...)
	}
	return w.t.Keys.MapID(append(dst, "cname:"...), w.d, value)
}

// sdpRTCP is a=rtcp:port [nettype addrtype address] (RFC 3605 section 2.1).
func (w *bodyWriter) sdpRTCP(dst, text []byte) []byte {
	port, address := sdpField(text)
	if len(port) == 0 || len(port) > 5 || !allDigits(port) {
		return dst
	}
	dst = append(append(dst, "a=rtcp:"...), port...)
	if address = trimSpace(address); len(address) > 0 {
		dst = w.sdpAddress(append(dst, ' '), address)
	}
	return dst
}
