package privacy

import (
	"encoding/binary"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Seal appends the token for d to dst: letters only. Open reads a token into d, whose
// byte slices are reused. Neither allocates once warm.
//
// A token is two letters (purpose, key id) and the letters of the sealed bytes:
//
//	16  synthetic IV
//	 1  version (4 bits), class (2), caller withheld, callee withheld
//	 1  holder (2 bits), scrub media, has SDP, has addresses
//	 1  numbers: for caller and callee each the first and the second, 2 bits a number
//	16  ID
//	12  peer hashes of caller and callee, hash of the caller's tag
//	 -  numbers that are there: their head byte, then their value in as many bytes as
//	    the count of digits needs
//	 -  SDP version (varint)
//	 -  addresses: self, peer, target, routes, each with its length (see appendText)
func (k *KeyRing) Seal(dst []byte, d *Dialog) []byte {
	key := k.ring.Load().forMillis(d.bornMillis())
	w := scratches.Get().(*scratch)
	w.buf = appendDialog(w.buf[:0], d)
	n := len(w.buf)
	w.buf = key.token.seal(w, w.buf, w.buf[:n])
	dst = appendSealHead(dst, purposeToken, key.id)
	dst = appendLetters(dst, w.buf[n:])
	scratches.Put(w)
	return dst
}

// Open reads token into d. Errors are ErrForeign and ErrExpired alone; d is then worth
// nothing.
func (k *KeyRing) Open(d *Dialog, token []byte, now time.Time) error {
	if !LooksSealed(token) {
		return ErrForeign
	}
	_, id, _ := readSealHead(token)
	key := k.find(id)
	if key == nil {
		return ErrForeign
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	var ok bool
	if w.buf, ok = readLetters(w.buf[:0], token[2:]); !ok {
		return ErrForeign
	}
	plain, ok := key.token.open(w, w.buf)
	if !ok || !readDialog(d, plain) {
		return ErrForeign
	}
	if now.UnixMilli()-d.bornMillis() > k.maxCall.Milliseconds() {
		return ErrExpired
	}
	return nil
}

// Bounds of a token in letters.
const (
	minToken = 2 + (8*(sivSize+dialogFixed)+4)/5
	maxToken = 8192 // a Request-URI or Route header of that length is nobody's
)

// LooksSealed tells cheaply whether user could be a token (length, alphabet).
func LooksSealed(user []byte) bool {
	purpose, _, ok := readSealHead(user)
	return ok && purpose == purposeToken && len(user) >= minToken && len(user) <= maxToken && lettersOnly(user)
}

// bornMillis is the time in the dialog's ULID, in milliseconds of the Unix era.
func (d *Dialog) bornMillis() int64 {
	return int64(binary.BigEndian.Uint64(d.ID[:8]) >> 16)
}

const (
	dialogVersion = 1
	dialogFixed   = 3 + 16 + 12
)

// How a number of a pair is written.
const (
	numberAbsent = iota
	numberGiven
	numberRepeated // equal to the first of the pair
)

// numberBytes is how many bytes the value of a number with that many digits takes.
var numberBytes = [16]int{0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7}

func appendDialog(b []byte, d *Dialog) []byte {
	addresses := len(d.Self)+len(d.Peer)+len(d.Target)+len(d.Routes) > 0
	b = append(b,
		dialogVersion<<4|byte(d.Class)&3<<2|bit(d.CallerWithheld)<<1|bit(d.CalleeWithheld),
		byte(d.Holder)<<6|bit(d.ScrubMedia)<<5|bit(d.HasSDP)<<4|bit(addresses)<<3,
		pairForm(&d.CallerNumbers)<<4|pairForm(&d.CalleeNumbers))
	b = append(b, d.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, d.CallerPeer)
	b = binary.BigEndian.AppendUint32(b, d.CalleePeer)
	b = binary.BigEndian.AppendUint32(b, d.CallerTag)
	b = appendPair(b, &d.CallerNumbers)
	b = appendPair(b, &d.CalleeNumbers)
	if d.HasSDP {
		b = binary.AppendUvarint(b, d.SDPVersion)
	}
	if addresses {
		b = appendText(b, d.Self)
		b = appendText(b, d.Peer)
		b = appendText(b, d.Target)
		b = appendText(b, d.Routes)
	}
	return b
}

// readDialog reads what appendDialog wrote, and nothing else.
func readDialog(d *Dialog, b []byte) bool {
	if len(b) < dialogFixed || b[0]>>4 != dialogVersion {
		return false
	}
	d.Class = rules.Class(b[0] >> 2 & 3)
	d.CallerWithheld, d.CalleeWithheld = b[0]&2 != 0, b[0]&1 != 0
	d.Holder = Side(b[1] >> 6)
	d.ScrubMedia, d.HasSDP = b[1]&(1<<5) != 0, b[1]&(1<<4) != 0
	addresses, forms := b[1]&(1<<3) != 0, b[2]
	copy(d.ID[:], b[3:])
	d.CallerPeer = binary.BigEndian.Uint32(b[19:])
	d.CalleePeer = binary.BigEndian.Uint32(b[23:])
	d.CallerTag = binary.BigEndian.Uint32(b[27:])

	r := reader{b: b[dialogFixed:], ok: true}
	r.pair(&d.CallerNumbers, forms>>4)
	r.pair(&d.CalleeNumbers, forms&15)
	d.SDPVersion = 0
	if d.HasSDP {
		d.SDPVersion = r.uvarint()
	}
	for _, field := range [...]*[]byte{&d.Self, &d.Peer, &d.Target, &d.Routes} {
		*field = (*field)[:0]
		if addresses {
			*field = r.text(*field)
		}
	}
	return r.ok && len(r.b) == 0
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// pairForm is how the two numbers are written, 2 bits each.
func pairForm(n *[2]numbering.Number) byte {
	form := func(n numbering.Number) byte {
		if n == 0 {
			return numberAbsent
		}
		return numberGiven
	}
	if n[0] != 0 && n[0] == n[1] {
		return numberGiven<<2 | numberRepeated
	}
	return form(n[0])<<2 | form(n[1])
}

func appendPair(b []byte, n *[2]numbering.Number) []byte {
	form := pairForm(n)
	if form>>2 == numberGiven {
		b = appendNumber(b, n[0])
	}
	if form&3 == numberGiven {
		b = appendNumber(b, n[1])
	}
	return b
}

// appendNumber writes a number's head (kind, count of digits) and as many low bytes of
// its value as that many digits need; see numbering.Number for the layout.
func appendNumber(b []byte, n numbering.Number) []byte {
	b = append(b, byte(n>>56))
	for i := numberBytes[n.Len()] - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}

// reader takes fields off b; ok turns false when b is too short.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) take(n int) []byte {
	if !r.ok || n < 0 || n > len(r.b) {
		r.ok = false
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.ok = false
		return 0
	}
	r.take(n)
	return v
}

func (r *reader) sized() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.ok = false
		return nil
	}
	return r.take(int(n))
}

func (r *reader) pair(n *[2]numbering.Number, form byte) {
	*n = [2]numbering.Number{}
	if form>>2 == numberGiven {
		n[0] = r.number()
	}
	switch form & 3 {
	case numberGiven:
		n[1] = r.number()
	case numberRepeated:
		n[1] = n[0]
	}
}

func (r *reader) number() numbering.Number {
	head := r.take(1)
	if head == nil {
		return 0
	}
	n := uint64(head[0]) << 56
	var value uint64
	for _, c := range r.take(numberBytes[head[0]&15]) {
		value = value<<8 | uint64(c)
	}
	return numbering.Number(n | value)
}
