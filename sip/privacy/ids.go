package privacy

import "encoding/binary"

// saltSize is how much of a dialog's ID (of its random part, so that calls of one
// millisecond differ too) goes into its identifiers: it makes the same tag look new in
// every call.
const saltSize = 6

// maxID bounds identifiers, mapped or not: those of real ones have 10 to 150 bytes.
const maxID = 4096

// MapID appends the gateway's own form of a Call-ID or tag of a withheld party: letters
// only, salted by the call, reversible by UnmapID with the ring alone. The same id in the
// same dialog gives the same letters, on every gateway with this ring.
func (k *KeyRing) MapID(dst []byte, d *Dialog, id []byte) []byte {
	key := k.ring.Load().forMillis(d.bornMillis())
	w := scratches.Get().(*scratch)
	w.buf = append(w.buf[:0], d.ID[len(d.ID)-saltSize:]...)
	purpose := purposeID
	if len(id) >= packable && lettersOnly(id) { // another gateway's
		purpose = purposePackedID
		w.buf = appendPacked(append(w.buf, byte(len(id)%8)), id)
	} else {
		w.buf = append(w.buf, id...)
	}
	n := len(w.buf)
	w.buf = key.mapping.seal(w, w.buf, w.buf[:n])
	dst = appendSealHead(dst, purpose, key.id)
	dst = appendLetters(dst, w.buf[n:])
	scratches.Put(w)
	return dst
}

// UnmapID appends to dst what was mapped; ok is false, and dst as it was, for anything
// MapID did not make with a key of this ring.
func (k *KeyRing) UnmapID(dst, mapped []byte) (plain []byte, ok bool) {
	purpose, id, ok := readSealHead(mapped)
	if !ok || purpose != purposeID && purpose != purposePackedID || len(mapped) > 2*maxID {
		return dst, false
	}
	key := k.find(id)
	if key == nil {
		return dst, false
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	if w.buf, ok = readLetters(w.buf[:0], mapped[2:]); !ok {
		return dst, false
	}
	salted, ok := key.mapping.open(w, w.buf)
	if !ok || len(salted) < saltSize {
		return dst, false
	}
	if purpose == purposePackedID {
		return unpackID(dst, salted[saltSize:])
	}
	return append(dst, salted[saltSize:]...), true
}

// unpackID: the count of letters modulo 8, and the letters.
func unpackID(dst, b []byte) ([]byte, bool) {
	if len(b) < 2 {
		return dst, false
	}
	n := 8 * (len(b) - 1) / 5
	for n > 0 && n%8 != int(b[0]) {
		n--
	}
	return unpack(dst, b[1:], n), n > 0
}

// number is a keyed hash of text within the call of d: for what must be a number on the
// wire, says nothing, and stays the same on every gateway.
func (k *KeyRing) number(d *Dialog, purpose string, text []byte) uint64 {
	key := k.ring.Load().forMillis(d.bornMillis())
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.buf = append(w.buf[:0], purpose...)
	w.buf = append(w.buf, 0)
	w.buf = append(w.buf, d.ID[:]...)
	w.buf = append(w.buf, text...)
	key.digest.s2v(w, w.buf)
	return binary.BigEndian.Uint64(w.x[:])
}
