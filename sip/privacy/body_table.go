package privacy

import (
	"strings"

	"clirgate/sip/message"
)

// bodyRow is one media type of the table. cells as in row: a letter each for T/N, T/W,
// U/N, U/W, E: K keep, R remove, X rewritten as its form asks, M multipart. A subtype may end in "*".
type bodyRow struct {
	kind, subtype string
	cells         string
	form          bodyForm
	why           string
}

// bodyForm is a kind of body the gateway can read and write.
type bodyForm uint8

const (
	sdpBody bodyForm = iota + 1
	isupBody
	cpimBody
	imdnBody
	sipfragBody
	opaqueBody // holds others, perhaps an offer, that cannot be read
)

// bodies is STANDARDS 6.8; the first row that fits counts. What would call for reading
// and rewriting XML that few withheld callers send is removed instead.
var bodies = [...]bodyRow{
	{"application", "sdp", "KXKXK", sdpBody, "STANDARDS 6.7"},
	{"multipart", "signed", "KRKRK", opaqueBody, "RFC 3893: a signed copy of the headers"},
	{"multipart", "encrypted", "KRKRK", opaqueBody, "cannot be checked"},
	{"multipart", "*", "MMMMM", 0, "RFC 5621: part by part"},
	{"application", "pkcs7-mime", "KRKRK", opaqueBody, "cannot be checked"},
	{"application", "isup", "KXRRX", isupBody, "RFC 3398 12.1; APRI of calling and generic number"},
	{"application", "qsig", "KRRRK", 0, "its numbers are not read"},
	{"application", "pidf+xml", "KRKRK", 0, "RFC 6442 4.1; presence names its entity"},
	{"application", "EmergencyCallData.*", "KRRRK", 0, "RFC 7852"},
	{"application", "vnd.etsi.mcid+xml", "KKRRK", 0, "TS 24.616 4.5.2.5"},
	{"application", "vnd.etsi.pstn+xml", "KKRRK", 0, "TS 29.163 annex F"},
	{"application", "vnd.etsi.aoc+xml", "KKRRK", 0, "TS 24.647"},
	{"application", "vnd.etsi.*", "KRRRK", 0, "not listed"},
	{"application", "vnd.3gpp.*", "KRRRK", 0, "not listed"},
	{"message", "sipfrag", "KXKXK", sipfragBody, "RFC 3515 2.4.5: the status line alone"},
	{"message", "sip", "KRKRK", 0, "RFC 3261 23: a copy of the headers"},
	{"message", "cpim", "KXKXK", cpimBody, "RFC 3862"},
	{"message", "imdn+xml", "KXKXK", imdnBody, "RFC 5438 7.2"},
	{"application", "dialog-info+xml", "KRKRK", 0, "RFC 4235: identities and targets"},
	{"application", "reginfo+xml", "KRKRK", 0, "RFC 3680: addresses of record"},
	{"application", "conference-info+xml", "KRKRK", 0, "RFC 4575: users"},
	{"application", "vcard+xml", "KRKRK", 0, "RFC 6351"},
	{"text", "vcard", "KRKRK", 0, "RFC 6350"},
	{"text", "x-vcard", "KRKRK", 0, "RFC 2426"},
	{"text", "directory", "KRKRK", 0, "RFC 2425"},
	{"application", "resource-lists+xml", "KRKRK", 0, "RFC 4826"},
	{"application", "dtmf-relay", "KKKKK", 0, "keys pressed"},
	{"application", "dtmf", "KKKKK", 0, "keys pressed"},
	{"text", "*", "KKKKK", 0, "content is not ours to read"},
	{"*", "*", "KRKRK", 0, "not in the table (STANDARDS 0.5)"},
}

// bodyRowOf finds the row of a media type.
func bodyRowOf(kind, subtype []byte) *bodyRow {
	for i := range bodies {
		if r := &bodies[i]; r.fits(kind, subtype) {
			return r
		}
	}
	return &bodies[len(bodies)-1]
}

func (r *bodyRow) fits(kind, subtype []byte) bool {
	if r.kind != "*" && !message.EqualFold(kind, r.kind) {
		return false
	}
	if prefix, ok := strings.CutSuffix(r.subtype, "*"); ok {
		return len(subtype) >= len(prefix) && message.EqualFold(subtype[:len(prefix)], prefix)
	}
	return message.EqualFold(subtype, r.subtype)
}
