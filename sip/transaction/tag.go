package transaction

import "hash/maphash"

const tagLength = 16

// tag makes the To tag of the layer's own responses from the dialog key of the
// request: the same for an INVITE, its CANCEL (RFC 3261 9.2) and every repetition
// of a request answered without state (8.2.7). Letters only, unguessable.
func (l *Layer) tag(dst *[tagLength]byte, dialogKey []byte) []byte {
	n := maphash.Bytes(l.tagSeed, dialogKey)
	for i := range dst {
		dst[i] = 'a' + byte(n&15)
		n >>= 4
	}
	return dst[:]
}
