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

// sdpAttribute keeps a=name or a=name:value of sdpAttributes; ssrc with its cname mapped,
// names of streams mapped towards U.
func (w *bodyWriter) sdpAttribute(dst, value []byte) []byte {
	name, text, _ := bytes.Cut(value, []byte{':'})
	switch {
	case !sdpAttributes.has(name):
		return dst
	case message.EqualFold(name, "ssrc"):
		return w.sdpSource(dst, text)
	case message.EqualFold(name, "rtcp"):
		return w.sdpRTCP(dst, text)
	case message.EqualFold(name, "msid"), message.EqualFold(name, "label"):
		return w.sdpStreams(append(append(append(dst, "a="...), name...), ':'), text)
	case message.EqualFold(name, "msid-semantic"): // RFC 8830 appendix A: "WMS", then streams
		semantic, streams := sdpField(text)
		dst = append(append(append(dst, "a=msid-semantic:"...), semantic...), ' ')
		return w.sdpStreams(dst, streams)
	case message.EqualFold(name, "floorid"): // RFC 8856 12.3: a floor, then "mstrm:" and labels
		floor, streams := sdpField(text)
		kind, labels, _ := bytes.Cut(streams, []byte{':'})
		dst = append(append(append(dst, "a=floorid:"...), floor...), ' ')
		return w.sdpStreams(append(append(dst, kind...), ':'), labels)
	}
	return append(append(dst, "a="...), value...)
}

// sdpSource is a=ssrc:id attribute[:value] (RFC 5576 section 4.1).
func (w *bodyWriter) sdpSource(dst, text []byte) []byte {
	id, attribute := sdpField(text)
	name, value, _ := bytes.Cut(attribute, []byte{':'})
	dst = append(append(dst, "a=ssrc:"...), id...)
	dst = append(dst, ' ')
	switch {
	case w.t.Keys == nil:
	case message.EqualFold(name, "cname"):
		return w.t.Keys.MapID(append(dst, "cname:"...), w.d, value)
	case message.EqualFold(name, "msid"), message.EqualFold(name, "mslabel"), message.EqualFold(name, "label"):
		return w.sdpStreams(append(append(dst, name...), ':'), value)
	}
	return append(dst, attribute...)
}

// sdpStreams appends names of streams, which the sender makes up: towards U others, the
// same everywhere in the dialog. "-" and "*" name none and all (RFC 8830).
func (w *bodyWriter) sdpStreams(dst, names []byte) []byte {
	for i := 0; len(names) > 0; i++ {
		var name []byte
		if name, names = sdpField(names); i > 0 {
			dst = append(dst, ' ')
		}
		if w.col != colUW && w.col != colUN || w.t.Keys == nil || len(name) == 1 && (name[0] == '-' || name[0] == '*') {
			dst = append(dst, name...)
			continue
		}
		dst = w.t.Keys.MapID(dst, w.d, name)
	}
	return dst
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
