package transaction

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"clirgate/sip/message"
)

// The key of a server transaction (RFC 3261 17.2.3) is made of the method, the CSeq
// number, and
//
//   - with the magic cookie: the branch, and sent-by in lower case with its port;
//   - without (RFC 2543): Request-URI, From tag, Call-ID and the whole top Via. To
//     tags are left out: nothing else that is equal in all these differs in them.
//
// The CSeq number is more than 17.2.3 asks for: it keeps apart the requests of
// phones that use one branch twice. ACK and CANCEL have the number of their INVITE.

const (
	cookieKey  = 1
	rfc2543Key = 2
)

// appendServerKey appends the key of a request as if its method were method.
func appendServerKey(dst []byte, m *message.Message, method message.Method, via *message.Via, cseq uint32) []byte {
	branched := hasCookie(via.Branch)
	if branched {
		dst = append(dst, cookieKey, byte(method))
	} else {
		dst = append(dst, rfc2543Key, byte(method))
	}
	dst = binary.BigEndian.AppendUint32(dst, cseq)
	if method == message.MethodOther {
		dst = appendPart(dst, m.MethodName())
	}
	if branched {
		dst = appendLower(dst, m.Get(via.Host))
		dst = binary.BigEndian.AppendUint16(dst, viaPort(m, via))
		return append(dst, via.Branch...)
	}
	dst = appendPart(dst, m.Get(m.RequestURI()))
	dst = appendPart(dst, m.FromTag())
	dst = appendPart(dst, m.Value(message.HCallID))
	return append(dst, m.Get(via.Whole)...)
}

// appendDialogKey appends what an INVITE, its ACK and its CANCEL have in common
// even when a phone changes the branch: CSeq number, From tag and Call-ID.
func appendDialogKey(dst []byte, m *message.Message, cseq uint32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, cseq)
	dst = appendPart(dst, m.FromTag())
	return append(dst, m.Value(message.HCallID)...)
}

// appendClientKey appends the key of a client transaction (RFC 3261 17.1.3). The
// branch is ours and unique; the method tells INVITE from its CANCEL.
func appendClientKey(dst []byte, method message.Method, branch []byte) []byte {
	return append(append(dst, byte(method)), branch...)
}

func (l *Layer) hash(key []byte) uint64 { return maphash.Bytes(l.seed, key) }

var cookie = []byte("z9hG4bK")

// hasCookie tells whether the branch identifies the transaction (RFC 3261 8.1.1.7).
// The cookie alone does not (RFC 4475 3.2.1 allows the RFC 2543 rules for it).
func hasCookie(branch []byte) bool {
	return len(branch) > len(cookie) && bytes.HasPrefix(branch, cookie)
}

// viaPort is the port of sent-by, or the default of its transport (RFC 3261 18.1.1).
func viaPort(m *message.Message, via *message.Via) uint16 {
	switch {
	case via.Port != 0:
		return via.Port
	case message.EqualFold(m.Get(via.Transport), "TLS"):
		return 5061
	}
	return 5060
}

// appendPart appends b and a separator that no header value contains.
func appendPart(dst, b []byte) []byte { return append(append(dst, b...), 0) }

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
