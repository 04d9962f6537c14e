package pebble

import (
	"encoding/binary"
	"time"

	"clirgate/trace"
)

// Keys, all numbers big-endian, so that order of keys is order of time and a day is one
// range:
//
//	'r' service day ID 0          a record
//	'u' day ID kind               an update: it does not know the service
//	'c' service day token ID      the caller's calls; the value is empty
//	'a' service day token ID      the called number's calls; the value is empty
//	'n' service day               how many records
//	'm'                           the last batch's number
//	'o' epoch seq                 what was appended in a batch, for the outbox
//	'b'                           how far what was there before the outbox is in it
//
// day is in four bytes, service in one. What follows an ID is the entry's kind.
const (
	prefixRecord = 'r'
	prefixUpdate = 'u'
	prefixCount  = 'n'

	idLen     = len(trace.ID{})
	tailLen   = idLen + 1 // ID and kind
	recordLen = 1 + 1 + 4 + tailLen
	updateLen = 1 + 4 + tailLen
	filedLen  = 1 + 1 + 4 + len(trace.Token{}) + idLen
	maxKeyLen = filedLen
)

// shelf is one service's day.
type shelf struct {
	service trace.Service
	day     trace.Day
}

func appendShelf(dst []byte, prefix byte, s shelf) []byte {
	return binary.BigEndian.AppendUint32(append(dst, prefix, byte(s.service)), uint32(s.day))
}

func appendRecordKey(dst []byte, s trace.Service, id trace.ID) []byte {
	dst = appendShelf(dst, prefixRecord, shelf{s, id.Day()})
	return append(append(dst, id[:]...), 0)
}

func appendUpdateKey(dst []byte, id trace.ID, kind byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, prefixUpdate), uint32(id.Day()))
	return append(append(dst, id[:]...), kind)
}

// appendKey is where an entry goes.
func appendKey(dst []byte, e trace.Entry) []byte {
	if kind := e.Kind(); kind != 0 {
		return appendUpdateKey(dst, e.ID, kind)
	}
	return appendRecordKey(dst, e.Service(), e.ID)
}

func appendFiled(dst []byte, f trace.Filed) []byte {
	return append(appendShelf(dst, byte(f.Role), shelf{f.Service, f.Day}), f.Token[:]...)
}

// bounds are the keys of records or updates begun in [from, to).
func bounds(prefix []byte, from, to time.Time) (lower, upper []byte) {
	return bound(prefix, from), bound(prefix, to)
}

func bound(prefix []byte, t time.Time) []byte {
	id := trace.FirstID(t)
	b := binary.BigEndian.AppendUint32(append([]byte(nil), prefix...), uint32(id.Day()))
	return append(b, id[:]...)
}
