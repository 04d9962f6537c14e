package privacy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/rules"
)

var epoch = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const maxCall = 12 * time.Hour

// bornAt is a dialog of a call that began at t.
func bornAt(t time.Time, random byte) *Dialog {
	d := &Dialog{Class: rules.W, Holder: Callee}
	binary.BigEndian.PutUint64(d.ID[:], uint64(t.UnixMilli())<<16)
	for i := 6; i < len(d.ID); i++ {
		d.ID[i] = random + byte(i)
	}
	return d
}

// fileRing is a ring on disk whose first key is older than every dialog of a test.
func fileRing(t *testing.T) (*KeyRing, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	first := newKey(1, epoch.Add(-time.Hour))
	if err := os.WriteFile(path, encodeKeys([]*ringKey{first}), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadRing(t, path), path
}

func loadRing(t *testing.T, path string) *KeyRing {
	t.Helper()
	k, err := LoadKeys(path, maxCall)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLoadKeysMakesARing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	a := loadRing(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	d := bornAt(time.Now(), 1)
	var got Dialog
	if err := loadRing(t, path).Open(&got, a.Seal(nil, d), time.Now()); err != nil {
		t.Error(err)
	}
}

func TestLoadKeysAtTheSameTimeMakesOneRing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var rings [8]*KeyRing
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() { rings[i], _ = LoadKeys(path, maxCall) })
	}
	wg.Wait()
	d := bornAt(time.Now(), 1)
	for i, k := range rings {
		if k == nil || !bytes.Equal(k.Seal(nil, d), rings[0].Seal(nil, d)) {
			t.Errorf("ring %d differs", i)
		}
	}
}

func TestLoadKeysRefuses(t *testing.T) {
	key := `{"id":1,"from":"2026-01-01T00:00:00Z","secret":"` + strings.Repeat("abcdefgh", 10) + `abcdeg=="}`
	f := func(mode os.FileMode, text, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, mode)
		_, err := LoadKeys(path, maxCall)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%.40s: %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), "abcdefgh"):
			t.Errorf("secret in %v", err)
		}
	}
	f(0o600, `{"keys":[`+key+`]}`, "")
	f(0o640, `{"keys":[`+key+`]}`, "lets others read it")
	f(0o604, `{"keys":[`+key+`]}`, "lets others read it")
	f(0o600, `{"keys":[`+key+`,`+key+`]}`, "used twice")
	f(0o600, `{"keys":[`+strings.Replace(key, `"id":1`, `"id":0`, 1)+`]}`, "zero or used twice")
	f(0o600, `{"keys":[`+strings.Replace(key, "abcdefgh", "", 1)+`]}`, "not 64 bytes")
	f(0o600, `{"keys":[`+strings.ReplaceAll(strings.ReplaceAll(key, "abcdefgh", "AAAAAAAA"), "abcdeg", "AAAAAA")+`]}`, "not random")
	f(0o600, `{"keys":[]}`, "no keys")
	f(0o600, `{"keys":[],"x":1}`, "is not a key ring")
	f(0o600, ``, "is not a key ring")
}

func TestRotation(t *testing.T) {
	k, path := fileRing(t)
	other := loadRing(t, path) // another process
	older := bornAt(epoch, 1)
	oldToken, oldTag := k.Seal(nil, older), k.MapID(nil, older, []byte("a1"))

	rotated := epoch.Add(time.Hour)
	if err := k.Rotate(rotated); err != nil {
		t.Fatal(err)
	}
	younger := bornAt(rotated.Add(time.Second), 2)
	token := k.Seal(nil, younger)
	if string(token[:2]) == string(oldToken[:2]) {
		t.Error("the new key is not used")
	}
	if !bytes.Equal(k.Seal(nil, older), oldToken) || !bytes.Equal(k.MapID(nil, older, []byte("a1")), oldTag) {
		t.Error("a rotation changes what a call under way looks like")
	}
	var d Dialog
	if err := k.Open(&d, oldToken, rotated); err != nil {
		t.Errorf("older token: %v", err)
	}
	if err := other.Open(&d, token, rotated); err != nil {
		t.Errorf("token under a key another process made: %v", err)
	}
	info := k.List(rotated)
	if len(info) != 2 || info[0].Current || !info[1].Current || !info[0].Until.Equal(rotated.Add(maxCall+clockSkew)) || !info[1].Until.IsZero() {
		t.Errorf("list: %+v", info)
	}

	// Superseded for longer than a call may last: destroyed, on disk too.
	late := rotated.Add(maxCall + clockSkew)
	if n, err := k.Prune(late.Add(-time.Second)); n != 0 || err != nil {
		t.Errorf("too early: %d %v", n, err)
	}
	if n, err := k.Prune(late); n != 1 || err != nil {
		t.Errorf("prune: %d %v", n, err)
	}
	for name, ring := range map[string]*KeyRing{"pruned": k, "read again": loadRing(t, path)} {
		if err := ring.Open(&d, oldToken, epoch); err != ErrForeign {
			t.Errorf("%s: a destroyed key opens: %v", name, err)
		}
		if _, ok := ring.UnmapID(nil, oldTag); ok {
			t.Errorf("%s: a destroyed key unmaps", name)
		}
		if len(ring.List(late)) != 1 {
			t.Errorf("%s: %+v", name, ring.List(late))
		}
	}
}

func TestRotateFrom(t *testing.T) {
	k, path := fileRing(t)
	from := epoch.Add(time.Hour)
	if err := k.RotateFrom(epoch, from); err != nil {
		t.Fatal(err)
	}
	other := loadRing(t, path)
	before, after := bornAt(from.Add(-time.Millisecond), 1), bornAt(from, 1)
	if a, b := k.Seal(nil, before), k.Seal(nil, after); string(a[:2]) == string(b[:2]) {
		t.Error("the key does not wait")
	}
	if !bytes.Equal(k.Seal(nil, after), other.Seal(nil, after)) {
		t.Error("two gateways differ")
	}
	if err := k.RotateFrom(epoch, epoch.Add(-time.Second)); err == nil {
		t.Error("a key from the past is accepted")
	}
	if err := k.Rotate(epoch); err == nil {
		t.Error("a key older than the newest is accepted")
	}
}

func TestRotateUsesEveryIDAgain(t *testing.T) {
	k := MemoryKeys(time.Minute, epoch)
	now := epoch
	for range 600 {
		now = now.Add(time.Hour)
		if err := k.Rotate(now); err != nil {
			t.Fatal(err)
		}
		if n := len(k.List(now)); n != 2 {
			t.Fatalf("%d keys", n)
		}
	}
}

func TestRotateRefusesTheFirstKeyWithoutAFreeID(t *testing.T) {
	k := MemoryKeys(1000*time.Hour, epoch)
	var err error
	n := 1
	for ; err == nil && n < 300; n++ {
		err = k.Rotate(epoch.Add(time.Duration(n) * time.Second))
	}
	if err == nil || n != 256 {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestReloadKeepsTheRingOnError(t *testing.T) {
	k, path := fileRing(t)
	token := k.Seal(nil, bornAt(epoch, 1))
	os.WriteFile(path, []byte("{"), 0o600)
	if err := k.Reload(); err == nil {
		t.Error("a broken file is accepted")
	}
	os.Remove(path)
	if err := k.Reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := k.Open(new(Dialog), token, epoch); err != nil {
		t.Error(err)
	}
}
