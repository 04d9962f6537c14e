package trace

import (
	"encoding/binary"
	"net/netip"
	"time"

	"clirgate/numbering"
)

// The plain form: a version, a kind, the ID, what tells of nobody, the identities, the
// service. What is stored of a gateway's calls is the sealed form, see seal.go.
// Strings and addresses come after their length as uvarint, numbers as 0 or 1 and eight
// bytes, times as 0 or 1, nanoseconds and offset from UTC in seconds. An update (kind
// above 0) holds the fields its kind names and nothing else.
const (
	version   = 1
	headerLen = 2
)

const (
	kindRecord byte = 0
	hasAnswer  byte = 1
	hasEnd     byte = 2
	hasStatus  byte = 4
	hasMark    byte = 8
	kindMask        = hasAnswer | hasEnd | hasStatus | hasMark
)

const (
	flagWithhold byte = 1 << iota
	flagWithheld
	flagChain
	flagMask = flagWithhold | flagWithheld | flagChain
)

// AppendRecord appends the plain form of r.
func AppendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, version, kindRecord)
	dst = append(dst, r.ID[:]...)
	dst = appendPublic(dst, r)
	dst = appendIdentities(dst, r)
	return append(dst, byte(r.Service))
}

// appendPublic appends what tells of nobody, ID and service aside.
func appendPublic(dst []byte, r *Record) []byte {
	dst = appendString(dst, r.Method)
	dst = appendTime(dst, r.Start)
	dst = appendTime(dst, r.Answer)
	dst = appendTime(dst, r.End)
	dst = appendString(dst, r.CalledClass)
	var flags byte
	if r.Withhold {
		flags |= flagWithhold
	}
	if r.Withheld {
		flags |= flagWithheld
	}
	if r.Chain {
		flags |= flagChain
	}
	dst = append(dst, byte(r.Trust), flags, byte(r.Class), byte(r.Rule), byte(r.Bases))
	dst = binary.AppendUvarint(dst, r.Revision)
	dst = appendString(dst, r.Ingress)
	dst = appendString(dst, r.Egress)
	dst = binary.AppendUvarint(dst, uint64(r.Status))
	return appendTime(dst, r.Expires)
}

// appendIdentities appends what tells who called whom.
func appendIdentities(dst []byte, r *Record) []byte {
	for _, n := range [...]numbering.Number{
		r.Calling, r.Shown, r.Asserted[0], r.Asserted[1], r.Called, r.DivertedFrom,
	} {
		dst = appendNumber(dst, n)
	}
	dst = appendSource(dst, r.Source)
	dst = appendString(dst, r.CallIDIn)
	return appendString(dst, r.CallIDOut)
}

// AppendUpdate appends what r knows of answer, end, final status and mark; the kind says
// which. Where it knows nothing, there is nothing to append.
func AppendUpdate(dst []byte, r *Record) []byte {
	at := len(dst)
	dst = append(dst, version, 0)
	dst = append(dst, r.ID[:]...)
	var kind byte
	if !r.Answer.IsZero() {
		kind |= hasAnswer
		dst = appendTime(dst, r.Answer)
	}
	if !r.End.IsZero() {
		kind |= hasEnd
		dst = appendTime(dst, r.End)
	}
	if r.Status != 0 {
		kind |= hasStatus
		dst = binary.AppendUvarint(dst, uint64(r.Status))
	}
	if r.Mark != MarkNone {
		kind |= hasMark
		dst = appendMark(dst, r)
	}
	if kind == 0 {
		return dst[:at]
	}
	dst[at+1] = kind
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	_, offset := t.Zone()
	dst = append(dst, 1)
	dst = binary.AppendVarint(dst, t.UnixNano())
	return binary.AppendVarint(dst, int64(offset))
}

func appendNumber(dst []byte, n numbering.Number) []byte {
	if n == 0 {
		return append(dst, 0)
	}
	return binary.BigEndian.AppendUint64(append(dst, 1), uint64(n))
}

func appendSource(dst []byte, a netip.AddrPort) []byte {
	at := len(dst)
	dst = append(dst, 0)
	dst, _ = a.AppendBinary(dst) // never fails
	n := len(dst) - at - 1
	if n > 255 { // a zone of absurd length: the address does without it
		return appendSource(dst[:at], netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()))
	}
	dst[at] = byte(n)
	return dst
}
