package privacy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"sync"
)

// sivSize is the length of the synthetic IV in front of the ciphertext.
const sivSize = aes.BlockSize

type block [aes.BlockSize]byte

// siv is AES-SIV (RFC 5297) for one key and one fixed vector of associated data: what
// S2V makes of the associated data is computed once. Safe for concurrent use.
type siv struct {
	mac, ctr cipher.Block
	k1, k2   block // CMAC subkeys, RFC 4493 section 2.3
	d        block // S2V's D behind the last associated data, before the plaintext
}

// scratch is working memory that would escape to the heap through cipher.Block.
type scratch struct {
	x, y block
	buf  []byte // plaintext or sealed bytes of the caller
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// newSIV takes a key of 32, 48 or 64 bytes: the first half for S2V, the second for CTR.
func newSIV(key []byte, associated ...[]byte) (*siv, error) {
	half := len(key) / 2
	mac, err := aes.NewCipher(key[:half])
	if err != nil {
		return nil, fmt.Errorf("S2V key: %w", err)
	}
	ctr, err := aes.NewCipher(key[half:])
	if err != nil {
		return nil, fmt.Errorf("CTR key: %w", err)
	}
	s := &siv{mac: mac, ctr: ctr}
	mac.Encrypt(s.k1[:], s.k1[:])
	s.k1.double()
	s.k2 = s.k1
	s.k2.double()

	var w scratch
	s.cmac(&w, make([]byte, aes.BlockSize), nil)
	s.d = w.x
	for _, a := range associated {
		s.d.double()
		s.cmac(&w, a, nil)
		s.d.xor(&w.x)
	}
	return s, nil
}

// seal appends the synthetic IV and the encrypted plain to dst.
func (s *siv) seal(w *scratch, dst, plain []byte) []byte {
	s.s2v(w, plain)
	dst = append(dst, w.x[:]...)
	at := len(dst)
	dst = append(dst, plain...)
	s.xorKeyStream(w, dst[at:])
	return dst
}

// open decrypts sealed in place and answers the plaintext inside it; ok is false when it
// was not sealed with this key and associated data.
func (s *siv) open(w *scratch, sealed []byte) (plain []byte, ok bool) {
	if len(sealed) < sivSize {
		return nil, false
	}
	iv, plain := sealed[:sivSize], sealed[sivSize:]
	copy(w.x[:], iv)
	s.xorKeyStream(w, plain)
	s.s2v(w, plain)
	return plain, subtle.ConstantTimeCompare(w.x[:], iv) == 1
}

// s2v leaves the synthetic IV of plain in w.x (RFC 5297 section 2.4).
func (s *siv) s2v(w *scratch, plain []byte) {
	if len(plain) >= aes.BlockSize {
		s.cmac(w, plain, &s.d)
		return
	}
	last := s.d
	last.double()
	for i, c := range plain {
		last[i] ^= c
	}
	last[len(plain)] ^= 0x80
	w.y = last
	s.cmac(w, w.y[:], nil)
}

// cmac leaves AES-CMAC (RFC 4493) of text in w.x. end, when given, is xored to the last
// 16 bytes of text first (xorend of RFC 5297 section 2.1), of which text must have as many.
func (s *siv) cmac(w *scratch, text []byte, end *block) {
	w.x = block{}
	tail := 0 // where end begins
	if end != nil {
		tail = len(text) - aes.BlockSize
	}
	var m block
	for off := 0; ; off += aes.BlockSize {
		rest := len(text) - off
		n := copy(m[:], text[off:])
		if end != nil {
			for i := max(0, tail-off); i < n; i++ {
				m[i] ^= end[off+i-tail]
			}
		}
		if rest > aes.BlockSize {
			w.x.xor(&m)
			s.mac.Encrypt(w.x[:], w.x[:])
			continue
		}
		if n == aes.BlockSize {
			m.xor(&s.k1)
		} else {
			m[n] = 0x80
			clear(m[n+1:])
			m.xor(&s.k2)
		}
		w.x.xor(&m)
		s.mac.Encrypt(w.x[:], w.x[:])
		return
	}
}

// xorKeyStream is CTR mode from the synthetic IV in w.x, with its bits 31 and 63 cleared
// (RFC 5297 section 2.5). The counter cannot carry over them within one message.
func (s *siv) xorKeyStream(w *scratch, text []byte) {
	w.x[8] &= 0x7f
	w.x[12] &= 0x7f
	low := binary.BigEndian.Uint64(w.x[8:])
	for len(text) > 0 {
		s.ctr.Encrypt(w.y[:], w.x[:])
		n := subtle.XORBytes(text, text, w.y[:min(len(text), aes.BlockSize)])
		text = text[n:]
		low++
		binary.BigEndian.PutUint64(w.x[8:], low)
	}
}

func (b *block) xor(a *block) { subtle.XORBytes(b[:], b[:], a[:]) }

// double multiplies by x in GF(2^128) (dbl of RFC 5297 section 2.3).
func (b *block) double() {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	carry := hi >> 63
	binary.BigEndian.PutUint64(b[:8], hi<<1|lo>>63)
	binary.BigEndian.PutUint64(b[8:], lo<<1^carry*0x87)
}
