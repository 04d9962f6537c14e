package privacy

import (
	"strings"
)

// isupForm is how a message type is laid out behind its type octet (ITU-T Q.763 section
// 4 and tables 2 to 58): octets of fixed parameters, then pointers to the variable ones,
// then one pointer to the optional part.
type isupForm struct {
	fixed, variable int
	optional        bool
}

var isupForms = map[byte]isupForm{
	0x01: {5, 1, true},  // initial address
	0x02: {0, 1, true},  // subsequent address
	0x03: {2, 0, true},  // information request
	0x04: {2, 0, true},  // information
	0x05: {1, 0, false}, // continuity
	0x06: {2, 0, true},  // address complete
	0x07: {2, 0, true},  // connect
	0x08: {0, 0, true},  // forward transfer
	0x09: {0, 0, true},  // answer
	0x0C: {0, 1, true},  // release
	0x0D: {1, 0, true},  // suspend
	0x0E: {1, 0, true},  // resume
	0x10: {0, 0, true},  // release complete
	0x2C: {1, 0, true},  // call progress
	0x33: {0, 0, true},  // facility
	0x36: {0, 0, true},  // identification request
	0x37: {0, 0, true},  // identification response
	0x38: {0, 0, true},  // segmentation
	0x41: {0, 0, true},  // application transport
	0x42: {0, 0, true},  // pre-release information
}

// isupPresentation is where, inside a parameter that names the sender, the octet with
// the address presentation restricted indicator is (Q.763 sections 3.10, 3.16, 3.26, 3.30).
var isupPresentation = map[byte]int{
	0x0A: 1, // calling party number
	0x21: 1, // connected number
	0x3F: 1, // location number
	0xC0: 2, // generic number
}

const (
	isupCallingParty = 0x0A
	apriMask         = 0x0C // bits 4 and 3
	apriAllowed      = 0x00
	apriRestricted   = 0x04
	apriNone         = 0x08 // address not available: there is nothing to show or hide
)

// isup copies an ISUP message with presentation restricted (withheld sender) or allowed
// (emergency: the calling party number alone). ok is false for a withheld sender's
// message that cannot be read to its end.
func (w *bodyWriter) isup(dst []byte, p *part) (out []byte, ok bool) {
	from := len(dst)
	dst = append(dst, w.m.Get(p.content)...)
	restricted := w.withheld()
	if !w.isupVariant(p) || !setPresentation(dst[from:], restricted) {
		// A change half done does no harm: E keeps what was received.
		copy(dst[from:], w.m.Get(p.content))
		return dst, !restricted
	}
	return dst, true
}

// isupVariant: laid out as by ITU-T (RFC 3204 section 3.1: base, version).
func (w *bodyWriter) isupVariant(p *part) bool {
	_, mt := w.rowOf(p)
	v, _, ok := w.m.Param(mt.Params, "base")
	if !ok {
		v, _, _ = w.m.Param(mt.Params, "version")
	}
	name := strings.ToLower(strings.Trim(string(w.m.Get(v)), `"`))
	return name == "" || strings.HasPrefix(name, "itu") || strings.HasPrefix(name, "etsi")
}

// setPresentation sets the indicator in every parameter that names the sender; false
// when b is not a message of a known form.
func setPresentation(b []byte, restricted bool) bool {
	if len(b) == 0 {
		return false
	}
	form, known := isupForms[b[0]]
	if !known {
		return false
	}
	at := 1 + form.fixed
	for range form.variable {
		if !isupVariable(b, at) {
			return false
		}
		at++
	}
	if !form.optional {
		return at <= len(b)
	}
	if at >= len(b) {
		return false
	}
	if b[at] == 0 {
		return true // no optional part
	}
	return eachOptional(b, at+int(b[at]), func(code byte, value []byte) bool {
		octet, names := isupPresentation[code]
		if !names || !restricted && code != isupCallingParty {
			return true
		}
		if octet >= len(value) {
			return false
		}
		if value[octet]&apriMask != apriNone {
			value[octet] &^= apriMask
			if restricted {
				value[octet] |= apriRestricted
			}
		}
		return true
	})
}

// isupVariable tells whether the pointer at b[at] points to a parameter inside b.
func isupVariable(b []byte, at int) bool {
	if at >= len(b) || b[at] == 0 {
		return false
	}
	at += int(b[at])
	return at < len(b) && at+int(b[at]) < len(b)
}

// eachOptional walks the optional part (code, length, value, ... 0); false when it does
// not end well, or visit says so.
func eachOptional(b []byte, at int, visit func(code byte, value []byte) bool) bool {
	for at < len(b) && b[at] != 0 {
		if at+1 >= len(b) {
			return false
		}
		value := at + 2
		next := value + int(b[at+1])
		if next > len(b) || !visit(b[at], b[value:next]) {
			return false
		}
		at = next
	}
	return at < len(b)
}
