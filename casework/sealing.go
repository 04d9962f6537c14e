package casework

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"strings"

	"clirgate/numbering"
	"clirgate/trace/keyring"
)

// Names of keys in the ring.
const (
	caseKeys    = "casework/case/" // and the ID: one a case or order
	indexKey    = "casework/index"
	evidenceKey = "casework/evidence"
)

// SharedKeys are the keys that must be the same on all nodes that share a store.
func SharedKeys() []string { return []string{indexKey, evidenceKey} }

// safe seals and opens what is stored.
type safe struct{ ring *keyring.Ring }

var errKey = errors.New("the key of the case is not there")

// key is the one of a name, made when there is none, and durable before anything is
// sealed with it. While the master key is away it is not known whether there is one.
func (s safe) key(ctx context.Context, name string) (keyring.Key, error) {
	k, err := s.ring.Lasting(ctx, name)
	if err != nil {
		return keyring.Key{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return k, nil
}

func (s safe) seal(ctx context.Context, id, what string, b []byte) ([]byte, error) {
	k, err := s.key(ctx, caseKeys+id)
	if err != nil {
		return nil, err
	}
	aead := keyring.NewAEAD(k.Secret)
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, b, []byte(id+"/"+what)), nil
}

func (s safe) open(id, what string, sealed []byte) ([]byte, error) {
	for _, k := range s.ring.Get(caseKeys + id) {
		aead := keyring.NewAEAD(k.Secret)
		if n := aead.NonceSize(); len(sealed) >= n {
			if b, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(id+"/"+what)); err == nil {
				return b, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, what, errKey)
}

// sealValue and openValue do the same for a Go value.
func (s safe) sealValue(ctx context.Context, id, what string, v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("casework: %s cannot be encoded: %w", what, err)
	}
	return s.seal(ctx, id, what, b.Bytes())
}

func (s safe) openValue(id, what string, sealed []byte, v any) error {
	b, err := s.open(id, what, sealed)
	if err != nil {
		return err
	}
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(v); err != nil {
		return fmt.Errorf("casework: %s cannot be decoded: %w", what, err)
	}
	return nil
}

// destroy forgets the keys of cases.
func (s safe) destroy(ctx context.Context, ids []string) error {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	_, err := s.ring.Destroy(ctx, func(name string) bool {
		id, ok := strings.CutPrefix(name, caseKeys)
		return ok && gone[id]
	})
	return err
}

// subject is the keyed hash that a number's cases are found by.
func (s safe) subject(ctx context.Context, n numbering.Number) (hash [16]byte, err error) {
	k, err := s.key(ctx, indexKey)
	if err != nil {
		return hash, err
	}
	block, err := aes.NewCipher(k.Secret[:])
	if err != nil {
		return hash, err
	}
	binary.BigEndian.PutUint64(hash[8:], uint64(n))
	block.Encrypt(hash[:], hash[:])
	return hash, nil
}

// signer is the key that evidence is signed with.
func (s safe) signer(ctx context.Context) (ed25519.PrivateKey, error) {
	k, err := s.key(ctx, evidenceKey)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(k.Secret[:]), nil
}
