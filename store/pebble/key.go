package pebble

import (
	"encoding/binary"
	"time"

	"clirgate/trace"
)

// A key is 'r', the day since 1970 (UTC) in four bytes, the ID, whose first six bytes
// are its time in milliseconds, and the entry's kind; all big-endian, so that order of
// keys is order of time and a day is one range.
const (
	prefix = 'r'
	keyLen = 1 + 4 + 16 + 1
	idAt   = 5
)

func appendKey(dst []byte, id trace.ID, kind byte) []byte {
	ms := binary.BigEndian.Uint64(id[:8]) >> 16
	dst = append(dst, prefix)
	dst = binary.BigEndian.AppendUint32(dst, uint32(ms/uint64((24*time.Hour).Milliseconds())))
	dst = append(dst, id[:]...)
	return append(dst, kind)
}

func idOf(key []byte) (id trace.ID) {
	if len(key) == keyLen {
		copy(id[:], key[idAt:])
	}
	return id
}
