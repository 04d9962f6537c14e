package trace

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"clirgate/numbering"
	"clirgate/trace/keyring"
)

// The sealed form (version 2): version, kind 0, ID, service, ID of the day's key, which
// tokens there are and eight bytes each, the fields that tell of nobody, then a nonce and
// under AES-256-GCM the identities: numbers, source address, Call-IDs. What stands before
// the nonce is authenticated with them, so that no record can be changed or moved.
const (
	sealedVersion = 2
	serviceAt     = headerLen + len(ID{})
	keyAt         = serviceAt + 1
	tokensAt      = keyAt + len(keyring.ID{})
	nonceLen      = 12
)

// Role is in which part a number took part in a call.
type Role byte

const (
	RoleCaller Role = 'c'
	RoleCalled Role = 'a' // also the number a call was diverted from
)

// Token is a keyed hash of a number, its role and the day: what a search asks a store
// for. The same number has another token every day, and in every role.
type Token [8]byte

const (
	hasCaller byte = 1 << iota
	hasCalled
	hasDiverted
	tokensMask = hasCaller | hasCalled | hasDiverted
)

// dayKey is the derived keys of one day and service.
type dayKey struct {
	id      keyring.ID
	day     Day
	service Service
	aead    cipher.AEAD
	search  cipher.Block
}

func newDayKey(k keyring.Key, at slot) *dayKey {
	search := keyring.Derive(k.Secret, "clirgate search")
	block, err := aes.NewCipher(search[:])
	if err != nil {
		panic(err) // only for wrong lengths
	}
	return &dayKey{
		id: k.ID, day: at.day, service: at.service,
		aead: keyring.NewAEAD(keyring.Derive(k.Secret, "clirgate identities")), search: block,
	}
}

// appendToken appends the token of n. One block of AES under a key of its own is a
// keyed hash of inputs of one block; half of it is kept, so that it cannot be undone
// even with the key.
func (k *dayKey) appendToken(dst []byte, role Role, n numbering.Number) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, uint64(role))
	dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	k.search.Encrypt(dst[at:], dst[at:])
	return dst[:at+len(Token{})]
}

func (k *dayKey) token(role Role, n numbering.Number) Token {
	return Token(k.appendToken(nil, role, n))
}

// appendSealed appends r in its sealed form.
func (k *dayKey) appendSealed(dst []byte, r *Record) []byte {
	start := len(dst)
	dst = append(dst, sealedVersion, kindRecord)
	dst = append(dst, r.ID[:]...)
	dst = append(dst, byte(r.Service))
	dst = append(dst, k.id[:]...)
	dst = k.appendTokens(dst, r)
	dst = appendPublic(dst, r)
	nonceAt := len(dst)
	dst = append(dst, make([]byte, nonceLen)...)
	_, _ = rand.Read(dst[nonceAt:]) // never fails
	secretAt := len(dst)
	dst = appendIdentities(dst, r)
	return k.aead.Seal(dst[:secretAt], dst[nonceAt:secretAt], dst[secretAt:], dst[start:nonceAt])
}

func (k *dayKey) appendTokens(dst []byte, r *Record) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if r.Calling != 0 {
		dst[at] |= hasCaller
		dst = k.appendToken(dst, RoleCaller, r.Calling)
	}
	if r.Called != 0 {
		dst[at] |= hasCalled
		dst = k.appendToken(dst, RoleCalled, r.Called)
	}
	if r.DivertedFrom != 0 && r.DivertedFrom != r.Called {
		dst[at] |= hasDiverted
		dst = k.appendToken(dst, RoleCalled, r.DivertedFrom)
	}
	return dst
}

// open fills in the identities of a closed record.
func (k *dayKey) open(r *Record) error {
	b := []byte(r.closed)
	rest, err := public(b, new(Record))
	if err != nil {
		return err
	}
	if len(rest) < nonceLen {
		return fmt.Errorf("%w: %d bytes sealed", ErrDecode, len(rest))
	}
	aad := b[:len(b)-len(rest)]
	secret, err := k.aead.Open(nil, rest[:nonceLen], rest[nonceLen:], aad)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSealed, err)
	}
	d := decoder{b: secret}
	d.identities(r)
	if d.bad || len(d.b) > 0 {
		return fmt.Errorf("%w: identities of %d bytes", ErrDecode, len(secret))
	}
	r.closed = ""
	return nil
}

// public reads what is not sealed, and answers the rest.
func public(b []byte, r *Record) (rest []byte, err error) {
	d := decoder{b: b[headerLen:]}
	d.id(&r.ID)
	r.Service = Service(d.byte())
	d.take(uint64(len(keyring.ID{})))
	tokens := d.byte()
	for bit := hasCaller; bit <= hasDiverted; bit <<= 1 {
		if tokens&bit != 0 {
			d.take(uint64(len(Token{})))
		}
	}
	d.public(r)
	if d.bad || tokens&^tokensMask != 0 || r.Service >= services {
		return nil, fmt.Errorf("%w: %d bytes, wrong from %d before the end", ErrDecode, len(b), len(d.b))
	}
	return d.b, nil
}

func decodeSealed(b []byte, r *Record) error {
	var p Record
	if _, err := public(b, &p); err != nil {
		return err
	}
	*r = p
	r.closed = string(b)
	return nil
}

// keyID is the key a closed record was sealed with.
func (r *Record) keyID() (id keyring.ID) {
	copy(id[:], r.closed[keyAt:])
	return id
}

// Closed tells whether the record's identities are sealed still: its numbers, source
// and Call-IDs are zero then.
func (r *Record) Closed() bool { return r.closed != "" }

// ErrSealed: the identities cannot be opened; wraps why.
var ErrSealed = errors.New("trace: identities cannot be opened")

var errNoKey = errors.New("the key of the day is not there")
