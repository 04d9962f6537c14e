package keyring

import (
	"bytes"
	"crypto/hpke"
	"fmt"
)

// Escrow is for keys made while the master key is away: sealed to a public key, they can
// be opened with the master key only. The key encapsulation is a hybrid of ML-KEM-768
// and X25519, for what is taken today must not be opened in years either.

func escrowKEM() hpke.KEM { return hpke.MLKEM768X25519() }

// escrowKey derives the private half.
func escrowKey(master [Size]byte) (hpke.PrivateKey, error) {
	seed := Derive(master, "clirgate escrow")
	key, err := escrowKEM().DeriveKeyPair(seed[:])
	if err != nil {
		return nil, fmt.Errorf("keyring: cannot derive the key of the escrow: %w", err)
	}
	return key, nil
}

// escrow seals a key to the public half.
func escrow(public []byte, name string, k Key) ([]byte, error) {
	to, err := escrowKEM().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w: public key: %w", ErrDamaged, err)
	}
	b, err := hpke.Seal(to, hpke.HKDFSHA256(), hpke.AES256GCM(), bound(name, k.ID), k.Secret[:])
	if err != nil {
		return nil, fmt.Errorf("keyring: cannot put a key in escrow: %w", err)
	}
	return b, nil
}

// owns tells whether the public half is this master key's.
func (w wrapper) owns(public []byte) bool { return bytes.Equal(w.public, public) }

// release opens what was sealed to the public half.
func (w wrapper) release(name string, id ID, b []byte) ([]byte, error) {
	return hpke.Open(w.private, hpke.HKDFSHA256(), hpke.AES256GCM(), bound(name, id), b)
}
