package trace

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/oklog/ulid/v2"
)

// ID is a ULID: time-ordered, unique. 48 bits of milliseconds, 80 random bits.
type ID [16]byte

// NewID makes the ID of a call that begins now. It takes no lock and allocates
// nothing: the random bits come from the runtime's ChaCha8 generators, which are
// seeded by the operating system, one a thread.
func NewID(now time.Time) (id ID) {
	u := (*ulid.ULID)(&id)
	// An error means a year past 10889; the ID is unique all the same.
	_ = u.SetTime(ulid.Timestamp(now))
	binary.BigEndian.PutUint16(id[6:], uint16(rand.Uint32()))
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// FirstID is the lowest ID of the millisecond of t: where a search by time begins. Times
// that no ID can have yield the lowest or highest of all.
func FirstID(t time.Time) (id ID) {
	switch ms := t.UnixMilli(); {
	case ms <= 0:
	case uint64(ms) > ulid.MaxTime():
		id = ID(bytes.Repeat([]byte{0xff}, len(id)))
	default:
		_ = (*ulid.ULID)(&id).SetTime(uint64(ms))
	}
	return id
}

// ParseID reads the 26 characters that String writes.
func ParseID(s string) (ID, error) {
	u, err := ulid.ParseStrict(s)
	return ID(u), err
}

// Time is when the ID was made, to the millisecond.
func (id ID) Time() time.Time { return ulid.Time(ulid.ULID(id).Time()) }

// String is the ULID in its usual form, 26 characters.
func (id ID) String() string { return ulid.ULID(id).String() }
