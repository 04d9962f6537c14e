package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/trace/keyring"
)

var ctx = context.Background()

type fixture struct{ keys, master string }

func newFixture(t *testing.T) fixture {
	dir := t.TempDir()
	return fixture{filepath.Join(dir, "records.keys"), filepath.Join(dir, "keys", "master")}
}

func (f fixture) open(t *testing.T) *keyring.Ring {
	t.Helper()
	s, err := keyring.OpenFile(f.keys)
	if err != nil {
		t.Fatal(err)
	}
	r, err := keyring.Open(ctx, s, keyring.File(f.master))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f fixture) read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeysSurvive(t *testing.T) {
	f := newFixture(t)
	r := f.open(t)
	a, b := r.Make("a"), r.Make("b")
	if again := r.Make("a"); again != a || a == b {
		t.Error("made twice, or the same twice")
	}
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	stored := f.read(t, f.keys)
	if bytes.Contains(stored, a.Secret[:]) || len(r.Get("a")) != 0 {
		t.Error("a key in clear, or in memory after closing")
	}
	r = f.open(t)
	defer r.Close()
	if got := r.Get("a"); len(got) != 1 || got[0] != a {
		t.Errorf("got %v", got)
	}
	if len(r.Names()) != 2 {
		t.Errorf("names %v", r.Names())
	}
	for _, path := range []string{f.keys, f.master} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestDestroyedKeyIsGone(t *testing.T) {
	f := newFixture(t)
	r := f.open(t)
	r.Make("old")
	kept := r.Make("new")
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	old := func(name string) bool { return name == "old" }
	if n, err := r.Destroy(ctx, old); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := r.Destroy(ctx, old); n != 0 || err != nil {
		t.Error(n, err)
	}
	_ = r.Close()
	if strings.Contains(string(f.read(t, f.keys))+string(f.read(t, f.keys+".copy")), "old") {
		t.Error("still stored")
	}
	r = f.open(t)
	defer r.Close()
	if got := r.Get("new"); len(r.Get("old")) != 0 || len(got) != 1 || got[0] != kept {
		t.Error("wrong keys left")
	}
}

func TestRotation(t *testing.T) {
	f := newFixture(t)
	r := f.open(t)
	k := r.Make("a")
	_ = r.Save(ctx)
	before, wrapped := f.read(t, f.master), f.read(t, f.keys)
	if err := r.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	if r.Get("a")[0] != k {
		t.Error("key changed")
	}
	b := r.Make("b") // under the new master
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if bytes.Equal(before, f.read(t, f.master)) || bytes.Equal(wrapped, f.read(t, f.keys)) {
		t.Error("nothing rotated")
	}
	if _, err := os.Stat(f.master + ".next"); !errors.Is(err, os.ErrNotExist) {
		t.Error("successor left behind")
	}
	r = f.open(t)
	if r.Get("a")[0] != k || r.Get("b")[0] != b {
		t.Error("keys lost")
	}
	_ = r.Close()

	// Cut short after wrapping, before the new master is in force.
	after := f.read(t, f.master)
	write(t, f.master, before)
	write(t, f.master+".next", after)
	r = f.open(t)
	if r.Get("a")[0] != k {
		t.Error("rotation cut short loses keys")
	}
	_ = r.Close()

	// Cut short before wrapping.
	write(t, f.master+".next", before)
	r = f.open(t)
	defer r.Close()
	if r.Get("a")[0] != k {
		t.Error("rotation not begun loses keys")
	}
	if err := r.Rotate(ctx); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

type late struct {
	keyring.Fixed
	err error
}

func (l *late) Key(ctx context.Context) ([keyring.Size]byte, error) {
	return l.Fixed, l.err
}

func TestMasterThatComesLate(t *testing.T) {
	var s keyring.Memory
	r, err := keyring.Open(ctx, &s, keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	first := r.Make("a")
	_ = r.Save(ctx)
	_ = r.Close()

	m := &late{keyring.Fixed{1}, errors.New("vault is sealed")}
	r, err = keyring.Open(ctx, &s, m)
	if !errors.Is(err, keyring.ErrMaster) || r == nil || !r.Locked() {
		t.Fatal(err)
	}
	second := r.Make("a")
	if err := r.Save(ctx); err != nil {
		t.Errorf("not put in escrow: %v", err)
	}
	stored, _ := s.Load(ctx)
	if bytes.Contains(stored, second.Secret[:]) || len(r.Get("a")) != 1 {
		t.Error("in clear, or a key that cannot be there")
	}
	m.err = nil
	if err := r.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
	if got := r.Get("a"); len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("after unlocking: %v", got)
	}
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	if stored, _ = s.Load(ctx); bytes.Contains(stored, []byte("escrowed")) {
		t.Error("stays in escrow")
	}
	_ = r.Close()
	r, _ = keyring.Open(ctx, &s, m)
	if got := r.Get("a"); len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("%v", got)
	}
	_ = r.Close()

	m.Fixed = keyring.Fixed{2}
	if _, err = keyring.Open(ctx, &s, m); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("opened with another master key: %v", err)
	}
}

func TestCommandMaster(t *testing.T) {
	hex := strings.Repeat("a1", keyring.Size)
	for _, c := range []struct {
		command string
		works   bool
	}{
		{"echo " + hex, true},
		{"echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true},
		{"echo secret-but-short", false},
		{"echo " + hex + "; exit 1", false},
	} {
		_, err := keyring.Command(c.command).Key(ctx)
		if (err == nil) != c.works {
			t.Errorf("%s: %v", c.command, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret-but") || strings.Contains(err.Error(), hex)) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestRotationOfCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "printed")
	write(t, file, []byte(strings.Repeat("01", keyring.Size)))
	var s keyring.Memory
	r, err := keyring.Open(ctx, &s, keyring.Command("cat '"+file+"'"))
	if err != nil {
		t.Fatal(err)
	}
	k := r.Make("a")
	if err := r.Rotate(ctx); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("rotated to the same key: %v", err)
	}
	write(t, file, []byte(strings.Repeat("02", keyring.Size)))
	if err := r.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	r, err = keyring.Open(ctx, &s, keyring.Fixed(bytes.Repeat([]byte{2}, keyring.Size)))
	if err != nil || r.Get("a")[0] != k {
		t.Error("not wrapped with the new key", err)
	}
}

func TestRefusals(t *testing.T) {
	f := newFixture(t)
	r := f.open(t)
	r.Make("a")
	_ = r.Save(ctx)
	if _, err := keyring.OpenFile(f.keys); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	_ = r.Close()

	stored := f.read(t, f.keys)
	for name, damaged := range map[string][]byte{
		"cut":     stored[:len(stored)/2],
		"renamed": bytes.Replace(stored, []byte(`"a"`), []byte(`"b"`), 1),
		"version": bytes.Replace(stored, []byte(`"version": 1`), []byte(`"version": 9`), 1),
	} {
		write(t, f.keys, damaged)
		r := f.open(t) // from its copy
		if len(r.Get("a")) != 1 || r.Save(ctx) != nil || !bytes.Equal(f.read(t, f.keys), f.read(t, f.keys+".copy")) {
			t.Errorf("%s: not mended", name)
		}
		_ = r.Close()
		write(t, f.keys, damaged)
		write(t, f.keys+".copy", damaged)
		s, err := keyring.OpenFile(f.keys)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(ctx, s, keyring.File(f.master)); !errors.Is(err, keyring.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		write(t, f.keys+".copy", stored)
	}
	write(t, f.keys, stored)
	if err := os.Chmod(f.master, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(ctx, keyring.ReadFile(f.keys), keyring.File(f.master)); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("a master key that others can read: %v", err)
	}
	_ = os.Remove(f.master)
	if _, err := keyring.Open(ctx, keyring.ReadFile(f.keys), keyring.File(f.master)); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("without the master key: %v", err)
	}
	if _, err := os.Stat(f.master); err == nil {
		t.Error("a new master key was made though keys were stored with another")
	}
}

func TestKeyPrintsRedacted(t *testing.T) {
	k := keyring.Key{Secret: [keyring.Size]byte{0xab, 0xcd}}
	for _, verb := range []string{"%v", "%x", "%+v", "%d", "%s"} {
		if got := fmt.Sprintf(verb, k); got != "key(00000000 redacted)" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

func TestOpenAt(t *testing.T) {
	f := newFixture(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	open := func() (*keyring.Ring, error) { return keyring.OpenAt(ctx, f.keys, keyring.File(f.master), now) }
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	k := r.Make("a")
	_ = r.Save(ctx)
	if _, err := open(); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("%v", err)
	}
	_ = r.Close()

	stored := f.read(t, f.keys)
	write(t, f.keys, stored[:9])
	write(t, f.keys+".copy", stored[:9])
	r, err = open()
	if r == nil || !errors.Is(err, keyring.ErrDamaged) || !strings.Contains(err.Error(), "20261123T120000Z") {
		t.Fatal(err)
	}
	if again := r.Make("a"); again == k || r.Save(ctx) != nil {
		t.Error("the new ring does not work")
	}
	_ = r.Close()
	if _, err := os.Stat(f.keys + ".damaged-20261123T120000Z.copy"); err != nil {
		t.Error(err)
	}

	if err := os.Chmod(f.master, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err = open(); r == nil || !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("%v", err)
	}
	_ = r.Close()
}
