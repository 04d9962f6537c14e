package keyring

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// document is what is stored: JSON, so that an operator can see which keys there are.
type document struct {
	Version int     `json:"version"`
	Master  string  `json:"master"` // fingerprint of the master key
	Keys    []entry `json:"keys"`
}

type entry struct {
	Name    string `json:"name"`
	ID      string `json:"id"`      // hex
	Wrapped []byte `json:"wrapped"` // nonce, AES-256-GCM of the key; name and ID authenticated
}

const documentVersion = 1

func decode(b []byte) (doc document, err error) {
	if len(b) == 0 {
		return document{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return document{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if doc.Version != documentVersion {
		return document{}, fmt.Errorf("%w: version %d", ErrDamaged, doc.Version)
	}
	return doc, nil
}

// wrapper wraps and unwraps with one master key.
type wrapper struct {
	aead        cipher.AEAD
	fingerprint string
}

func newWrapper(master [Size]byte) wrapper {
	return wrapper{
		aead:        NewAEAD(Derive(master, "clirgate wrapping")),
		fingerprint: hex.EncodeToString(derive(master, "clirgate fingerprint", 8)),
	}
}

// Derive makes the key for one purpose from a secret (HKDF-SHA256, RFC 5869).
func Derive(secret [Size]byte, purpose string) [Size]byte {
	return [Size]byte(derive(secret, purpose, Size))
}

func derive(secret [Size]byte, purpose string, n int) []byte {
	b, err := hkdf.Expand(sha256.New, secret[:], purpose, n)
	if err != nil {
		panic(err) // only for lengths above 255 hashes
	}
	return b
}

// NewAEAD is AES-256-GCM with a key.
func NewAEAD(key [Size]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // only for wrong lengths
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for ciphers of another block size
	}
	return aead
}

func (w wrapper) wrapAll(keys map[string][]Key) ([]byte, error) {
	doc := document{Version: documentVersion, Master: w.fingerprint, Keys: []entry{}}
	for name, list := range keys {
		for _, k := range list {
			nonce := make([]byte, w.aead.NonceSize())
			_, _ = rand.Read(nonce) // never fails
			doc.Keys = append(doc.Keys, entry{
				Name: name, ID: hex.EncodeToString(k.ID[:]),
				Wrapped: w.aead.Seal(nonce, nonce, k.Secret[:], bound(name, k.ID)),
			})
		}
	}
	slices.SortStableFunc(doc.Keys, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	return json.MarshalIndent(doc, "", " ")
}

func (w wrapper) unwrapAll(doc document) (map[string][]Key, error) {
	keys := make(map[string][]Key, len(doc.Keys))
	for _, e := range doc.Keys {
		k, err := w.unwrap(e)
		if err != nil {
			return nil, fmt.Errorf("%w: key %q: %w", ErrDamaged, e.Name, err)
		}
		keys[e.Name] = append(keys[e.Name], k)
	}
	return keys, nil
}

func (w wrapper) unwrap(e entry) (k Key, err error) {
	id, err := hex.DecodeString(e.ID)
	if err != nil || len(id) != len(k.ID) {
		return Key{}, fmt.Errorf("ID of %d characters", len(e.ID))
	}
	k.ID = ID(id)
	n := w.aead.NonceSize()
	if len(e.Wrapped) < n {
		return Key{}, fmt.Errorf("%d bytes", len(e.Wrapped))
	}
	secret, err := w.aead.Open(nil, e.Wrapped[:n], e.Wrapped[n:], bound(e.Name, k.ID))
	if err != nil || len(secret) != Size {
		return Key{}, fmt.Errorf("not sealed by this master key: %w", err)
	}
	k.Secret = [Size]byte(secret)
	return k, nil
}

func bound(name string, id ID) []byte { return append([]byte(name+"\x00"), id[:]...) }
