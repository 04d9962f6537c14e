package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
)

// Hash is a SHA-256; as text, 64 hexadecimal digits.
type Hash [sha256.Size]byte

// String is the hash in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

var errHash = errors.New("a hash is 64 hexadecimal digits")

// UnmarshalText is the inverse of MarshalText.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errHash
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return errHash
	}
	return nil
}

// hashVersion begins what is hashed: another form of entry gets another one.
const hashVersion = "clirgate audit 1"

// sum hashes all fields but Hash. Every text is preceded by its length, so that
// no two entries give the same bytes.
func (e *Entry) sum() (h Hash) {
	b := make([]byte, 0, 512)
	b = append(b, hashVersion...)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.UnixMicro()))
	for _, s := range [...]string{e.Actor, e.Role, e.Action, e.Object, e.Purpose, e.Case, string(e.Outcome), e.Detail} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = append(b, e.Prev[:]...)
	return sha256.Sum256(b)
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
