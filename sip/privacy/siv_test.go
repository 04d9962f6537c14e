package privacy

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of RFC 5297 appendix A, and CMAC of RFC 4493 section 4 beneath them.
func TestSIVVectors(t *testing.T) {
	f := func(key string, associated []string, plain, sealed string) {
		t.Helper()
		var ad [][]byte
		for _, a := range associated {
			ad = append(ad, unhex(t, a))
		}
		s, err := newSIV(unhex(t, key), ad...)
		if err != nil {
			t.Fatal(err)
		}
		var w scratch
		got := s.seal(&w, nil, unhex(t, plain))
		if hex.EncodeToString(got) != sealed {
			t.Errorf("sealed %x, want %s", got, sealed)
		}
		back, ok := s.open(&w, got)
		if !ok || hex.EncodeToString(back) != plain {
			t.Errorf("opened %x %v, want %s", back, ok, plain)
		}
	}
	// A.1, deterministic
	f("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		[]string{"101112131415161718191a1b1c1d1e1f2021222324252627"},
		"112233445566778899aabbccddee",
		"85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
	// A.2, nonce-based, three items of associated data
	f("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
		[]string{
			"00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
			"102030405060708090a0",
			"09f911029d74e35bd84156c5635688c0"},
		"7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
		"7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d")
}

func TestCMACVectors(t *testing.T) {
	const text = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	s, err := newSIV(bytes.Repeat(unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"), 2))
	if err != nil {
		t.Fatal(err)
	}
	f := func(n int, want string) {
		t.Helper()
		var w scratch
		s.cmac(&w, unhex(t, text[:2*n]), nil)
		if hex.EncodeToString(w.x[:]) != want {
			t.Errorf("CMAC of %d bytes: %x, want %s", n, w.x, want)
		}
	}
	f(0, "bb1d6929e95937287fa37d129b756746")
	f(16, "070a16b46b4d4144f79bdd9dd04a287c")
	f(40, "dfa66747de9ae63030ca32611497c827")
	f(64, "51f0bebf7e3b9d92fc49741779363cfe")
}

func TestSIVRoundTripAllLengths(t *testing.T) {
	s, _ := newSIV(bytes.Repeat([]byte{7}, 32), []byte("x"))
	other, _ := newSIV(bytes.Repeat([]byte{7}, 32), []byte("y"))
	var w scratch
	for n := range 100 {
		plain := bytes.Repeat([]byte{byte(n)}, n)
		sealed := s.seal(&w, nil, plain)
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << (i % 8)
			if _, ok := s.open(&w, bad); ok {
				t.Fatalf("length %d: changed byte %d opens", n, i)
			}
		}
		if _, ok := other.open(&w, bytes.Clone(sealed)); ok {
			t.Fatalf("length %d: opens with other associated data", n)
		}
		if back, ok := s.open(&w, sealed); !ok || !bytes.Equal(back, plain) {
			t.Fatalf("length %d: %x %v", n, back, ok)
		}
	}
}

func TestSIVKeyLengths(t *testing.T) {
	for n, good := range map[int]bool{32: true, 48: true, 64: true, 0: false, 16: false, 33: false} {
		if _, err := newSIV(make([]byte, n)); (err == nil) != good {
			t.Errorf("key of %d bytes: %v", n, err)
		}
	}
}
