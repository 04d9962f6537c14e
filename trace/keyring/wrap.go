package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// wrapper wraps and unwraps with one master key.
type wrapper struct {
	aead        cipher.AEAD
	fingerprint string
	private     hpke.PrivateKey // of the escrow
	public      []byte
}

func newWrapper(master [Size]byte) (wrapper, error) {
	private, err := escrowKey(master)
	if err != nil {
		return wrapper{}, err
	}
	return wrapper{
		aead:        NewAEAD(Derive(master, "clirgate wrapping")),
		fingerprint: hex.EncodeToString(derive(master, "clirgate fingerprint", 8)),
		private:     private,
		public:      private.PublicKey().Bytes(),
	}, nil
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

func (w wrapper) wrapAll(keys map[string][]Key) document {
	doc := document{Version: documentVersion, Master: w.fingerprint, Public: w.public, Keys: []entry{}}
	for name, list := range keys {
		for _, k := range list {
			nonce := make([]byte, w.aead.NonceSize())
			_, _ = rand.Read(nonce) // never fails
			doc.Keys = append(doc.Keys, entry{
				Name: name, ID: k.ID.String(), Wrapped: w.aead.Seal(nonce, nonce, k.Secret[:], bound(name, k.ID)),
			})
		}
	}
	doc.sort()
	return doc
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
	if k.ID, err = parseID(e.ID); err != nil {
		return Key{}, err
	}
	secret, err := w.opened(e, k.ID)
	if err != nil || len(secret) != Size {
		return Key{}, fmt.Errorf("not sealed by this master key: %w", err)
	}
	k.Secret = [Size]byte(secret)
	return k, nil
}

func (w wrapper) opened(e entry, id ID) ([]byte, error) {
	if e.Escrowed != nil {
		return w.release(e.Name, id, e.Escrowed)
	}
	n := w.aead.NonceSize()
	if len(e.Wrapped) < n {
		return nil, fmt.Errorf("%d bytes", len(e.Wrapped))
	}
	return w.aead.Open(nil, e.Wrapped[:n], e.Wrapped[n:], bound(e.Name, id))
}

func bound(name string, id ID) []byte { return append([]byte(name+"\x00"), id[:]...) }
