package keyring_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/trace/keyring"
)

var errAway = errors.New("vault is sealed")

// away is a ring with one key stored, whose master key is away, and that master key.
func away(t *testing.T, s keyring.Storage) (*keyring.Ring, *late) {
	t.Helper()
	m := &late{keyring.Fixed{1}, nil}
	r, err := keyring.Open(ctx, s, m)
	if err != nil {
		t.Fatal(err)
	}
	r.Make("old")
	if err := errors.Join(r.Save(ctx), r.Close()); err != nil {
		t.Fatal(err)
	}
	m.err = errAway
	if r, err = keyring.Open(ctx, s, m); !errors.Is(err, keyring.ErrMaster) || r == nil {
		t.Fatal(err)
	}
	return r, m
}

// Keys made while the master key was away are there after a crash, for the master key
// only.
func TestEscrowOutlivesACrash(t *testing.T) {
	var s keyring.Memory
	r, m := away(t, &s)
	a := r.Make("a")
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	b := r.Make("b")
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	// Killed; the master key is still away.
	r, err := keyring.Open(ctx, &s, m)
	if !errors.Is(err, keyring.ErrMaster) || len(r.Get("a")) != 0 {
		t.Errorf("%v, opened without the master key: %v", err, r.Get("a"))
	}
	c := r.Make("a")
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	_, keys, err := keyring.List(ctx, &s)
	waiting := 0
	for _, k := range keys {
		if k.Escrowed {
			waiting++
		}
	}
	if err != nil || len(keys) != 4 || waiting != 3 {
		t.Errorf("%v %v", keys, err)
	}
	m.err = nil
	r, err = keyring.Open(ctx, &s, m)
	if got := r.Get("a"); err != nil || len(got) != 2 || got[0] != a || got[1] != c || r.Get("b")[0] != b {
		t.Errorf("%v %v", got, err)
	}
	other, err := keyring.Open(ctx, &s, keyring.Fixed{2})
	if !errors.Is(err, keyring.ErrMaster) || len(other.Names()) != 0 {
		t.Errorf("another master key: %v %v", other.Names(), err)
	}
}

func named(name string) func(keyring.Info) bool {
	return func(k keyring.Info) bool { return k.Name == name }
}

func TestDestroyWithoutMaster(t *testing.T) {
	var s keyring.Memory
	r, m := away(t, &s)
	r.Make("old")
	r.Make("new")
	if n, err := r.Destroy(ctx, func(name string) bool { return name == "old" }); n != 2 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if _, keys, err := keyring.List(ctx, &s); err != nil || slices.ContainsFunc(keys, named("old")) || !slices.ContainsFunc(keys, named("new")) {
		t.Errorf("still stored, or the wrong one gone: %v %v", keys, err)
	}
	m.err = nil
	if err := r.Unlock(ctx); err != nil || len(r.Get("old")) != 0 || len(r.Get("new")) != 1 {
		t.Error("destroyed keys come back", err)
	}
}

func TestDestroyThatCannotBeStored(t *testing.T) {
	var s keyring.Memory
	r, _ := keyring.Open(ctx, &s, keyring.Fixed{1})
	r.Make("old")
	_ = r.Save(ctx)
	s.Fail(errors.New("disk full"))
	all := func(string) bool { return true }
	if n, err := r.Destroy(ctx, all); n != 0 || err == nil || len(r.Get("old")) != 1 {
		t.Errorf("%d %v", n, err)
	}
	s.Fail(nil)
	if n, err := r.Destroy(ctx, all); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// A key that must stay the same gets no second one while the stored one cannot be read.
func TestLastingKey(t *testing.T) {
	var s keyring.Memory
	r, m := away(t, &s)
	if _, err := r.Lasting(ctx, "old"); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("%v", err)
	}
	m.err = nil
	if err := r.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
	k, err := r.Lasting(ctx, "old")
	if got := r.Get("old"); err != nil || len(got) != 1 || got[0] != k {
		t.Errorf("%v %v", got, err)
	}
	if _, err := r.Lasting(ctx, "another"); err != nil {
		t.Error(err)
	}
	if stored, _ := s.Load(ctx); !strings.Contains(string(stored), "another") {
		t.Error("not stored")
	}
}

// A ring that has never seen its master key stores nothing that could never be opened.
func TestMasterNeverSeen(t *testing.T) {
	m := &late{keyring.Fixed{1}, errAway}
	r, err := keyring.Open(ctx, new(keyring.Memory), m)
	k := r.Make("a")
	if saved := r.Save(ctx); !errors.Is(err, keyring.ErrMaster) || !errors.Is(saved, keyring.ErrMaster) {
		t.Errorf("%v, %v", err, saved)
	}
	m.err = nil
	if err := errors.Join(r.Unlock(ctx), r.Save(ctx)); err != nil || r.Get("a")[0] != k {
		t.Error(err)
	}
}

// Whoever tampered with the public key while the master key was away gets nothing that
// is made later.
func TestPublicKeyIsCheckedOnUnlock(t *testing.T) {
	var theirs, ours keyring.Memory
	r, _ := keyring.Open(ctx, &theirs, keyring.Fixed{66})
	_ = r.Save(ctx)
	r, m := away(t, &ours)
	stored, _ := ours.Load(ctx)
	forged, _ := theirs.Load(ctx)
	_ = ours.Save(ctx, []byte(strings.Replace(string(stored), public(stored), public(forged), 1)))
	_ = r.Close()
	m.err = nil
	r, err := keyring.Open(ctx, &ours, m)
	if err != nil || r.Save(ctx) != nil {
		t.Fatal(err)
	}
	if now, _ := ours.Load(ctx); public(now) != public(stored) {
		t.Error("the false public key stays")
	}
}

func public(doc []byte) string {
	_, rest, _ := strings.Cut(string(doc), `"public": "`)
	key, _, _ := strings.Cut(rest, `"`)
	return key
}

// Save answers nil only when keys made before it are stored, whoever stores them.
func TestSaveWaitsForOthers(t *testing.T) {
	var s keyring.Memory
	r, err := keyring.Open(ctx, &s, keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 50 {
		name := "key/" + string(rune('A'+i))
		group.Go(func() {
			r.Make(name)
			if err := r.Save(ctx); err != nil {
				t.Error(err)
			}
			if stored, _ := s.Load(ctx); !strings.Contains(string(stored), name) {
				t.Errorf("%s is not stored", name)
			}
		})
	}
	group.Wait()
}

func TestAdopt(t *testing.T) {
	f := newFixture(t)
	r := f.open(t)
	k := r.Make("a")
	_ = r.Save(ctx)
	if err := r.Adopt(ctx, &late{keyring.Fixed{2}, errAway}); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("adopted a master key that is away: %v", err)
	}
	if err := r.Adopt(ctx, keyring.Fixed{2}); err != nil || r.Get("a")[0] != k {
		t.Fatal(err)
	}
	_ = r.Close()
	if r, err := keyring.Open(ctx, keyring.ReadFile(f.keys), keyring.Fixed{2}); err != nil || r.Get("a")[0] != k {
		t.Errorf("not wrapped with the new key: %v", err)
	}
	s, err := keyring.OpenFile(f.keys)
	if err != nil {
		t.Fatal(err)
	}
	r, err = keyring.Open(ctx, s, &late{keyring.Fixed{2}, errAway})
	if !errors.Is(err, keyring.ErrMaster) {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Adopt(ctx, keyring.Fixed{3}); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("locked, adopted a key that does not fit: %v", err)
	}
	if err := r.Adopt(ctx, keyring.Fixed{2}); err != nil || r.Locked() || r.Get("a")[0] != k {
		t.Errorf("locked, did not adopt the key that fits: %v", err)
	}
	file := keyring.File(filepath.Join(t.TempDir(), "sub", "master"))
	if err := r.Adopt(ctx, file); err != nil {
		t.Errorf("a file that is made: %v", err)
	}
	if _, err := file.Key(ctx); err != nil {
		t.Error(err)
	}
}

// A directory that is in the way, and then no longer.
func TestFileThatComesLate(t *testing.T) {
	f := newFixture(t)
	if err := os.MkdirAll(filepath.Join(f.keys+".lock", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := keyring.OpenAt(ctx, f.keys, keyring.File(f.master), time.Now())
	if r == nil || err == nil {
		t.Fatal(r, err)
	}
	k := r.Make("a")
	if err := r.Save(ctx); err == nil {
		t.Error("saved nowhere")
	}
	if err := os.RemoveAll(f.keys + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Unlock(ctx), r.Save(ctx), r.Close()); err != nil {
		t.Fatal(err)
	}
	r = f.open(t)
	defer r.Close()
	if got := r.Get("a"); len(got) != 1 || got[0] != k {
		t.Error("lost")
	}
}

// hanging is a master key that is away at first, and then nobody answers for it until it
// is released.
type hanging struct {
	late
	asked, release chan struct{}
}

func (h *hanging) Key(ctx context.Context) ([keyring.Size]byte, error) {
	if h.err != nil {
		return h.late.Key(ctx)
	}
	h.asked <- struct{}{}
	<-h.release
	return h.late.Key(ctx)
}

// A vault that hangs holds up nobody who records calls.
func TestNobodyWaitsForTheMaster(t *testing.T) {
	var s keyring.Memory
	r, m := away(t, &s)
	_ = r.Close()
	h := &hanging{*m, make(chan struct{}), make(chan struct{})}
	r, err := keyring.Open(ctx, &s, h)
	if !errors.Is(err, keyring.ErrMaster) {
		t.Fatal(err)
	}
	h.err = nil
	unlocked := make(chan error)
	go func() { unlocked <- r.Unlock(ctx) }()
	<-h.asked
	k := r.Make("a")
	if err := r.Save(ctx); err != nil || len(r.Get("a")) != 1 {
		t.Errorf("while the vault hangs: %v", err)
	}
	if n, err := r.Destroy(ctx, func(name string) bool { return name == "old" }); n != 1 || err != nil {
		t.Errorf("while the vault hangs: destroyed %d, %v", n, err)
	}
	close(h.release)
	if err := <-unlocked; err != nil || len(r.Get("a")) != 1 || r.Get("a")[0] != k || len(r.Get("old")) != 0 {
		t.Errorf("after it came back: %v, %v, %v", err, r.Get("a"), r.Get("old"))
	}
}
