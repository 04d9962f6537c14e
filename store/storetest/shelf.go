package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"clirgate/trace/keyring"
)

// sharing is a node with a ring in a file and its exchange.
type sharing struct {
	t    *testing.T
	path string
	ring *keyring.Ring
	*keyring.Exchange
}

func (n *sharing) open(shelf keyring.Shelf, master keyring.Master) {
	n.t.Helper()
	storage, err := keyring.OpenFile(n.path)
	if err != nil {
		n.t.Fatal(err)
	}
	if n.ring, err = keyring.Open(context.Background(), storage, master); err != nil && !errors.Is(err, keyring.ErrMaster) {
		n.t.Fatal(err)
	}
	n.Exchange = keyring.NewExchange(n.ring, shelf)
}

func (n *sharing) sync() {
	n.t.Helper()
	if err := n.Sync(context.Background()); err != nil {
		n.t.Fatal(err)
	}
}

// Shelf is the suite every keyring.Shelf must pass, an empty one, through the rings of two
// nodes that share it.
func Shelf(t *testing.T, shelf keyring.Shelf) {
	ctx := context.Background()
	dir := t.TempDir()
	masterFile := keyring.File(filepath.Join(dir, "master"))
	newNode := func(name string) *sharing {
		n := &sharing{t: t, path: filepath.Join(dir, name)}
		n.open(shelf, masterFile)
		t.Cleanup(func() { _ = n.ring.Close() })
		return n
	}
	a, b := newNode("a"), newNode("b")
	same := func(name string, want int) {
		t.Helper()
		of := func(n *sharing) []keyring.Key {
			keys := n.ring.Get(name)
			slices.SortFunc(keys, func(x, y keyring.Key) int { return slices.Compare(x.ID[:], y.ID[:]) })
			return keys
		}
		if x, y := of(a), of(b); len(x) != want || !slices.Equal(x, y) {
			t.Errorf("%s: %v and %v, want %d", name, x, y, want)
		}
	}
	both := func() {
		t.Helper()
		a.sync()
		b.sync()
		a.sync()
	}

	t.Run("each learns the other's", func(t *testing.T) {
		both()
		a.ring.Make("day/1")
		b.ring.Make("day/1")
		b.ring.Make("case/7")
		both()
		same("day/1", 2)
		same("case/7", 1)
	})
	t.Run("kept", func(t *testing.T) {
		if err := a.ring.Close(); err != nil {
			t.Fatal(err)
		}
		a.open(shelf, masterFile)
		same("day/1", 2)
		both()
		same("day/1", 2)
	})
	t.Run("one that both use", func(t *testing.T) {
		loser := b.ring.Make("index") // made before anybody asked
		both()
		for _, n := range []*sharing{a, b, a} {
			if err := n.Claim(ctx, "index", "bills"); err != nil {
				t.Fatal(err)
			}
		}
		both()
		c := newNode("c") // comes late, and learns all at once
		c.sync()
		for _, name := range []string{"index", "bills"} {
			if x, y, z := a.ring.Make(name), b.ring.Make(name), c.ring.Make(name); x != y || y != z {
				t.Errorf("%s: %v, %v and %v", name, x, y, z)
			}
		}
		if !slices.Contains(a.ring.Get("index"), loser) {
			t.Error("what was sealed before opens no more")
		}
	})
	t.Run("destroyed everywhere", func(t *testing.T) {
		if n, err := a.ring.Destroy(ctx, func(name string) bool { return name == "case/7" }); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		both()
		same("case/7", 0)
		if err := b.ring.Close(); err != nil {
			t.Fatal(err)
		}
		b.open(shelf, masterFile)
		both()
		same("case/7", 0)
		same("day/1", 2)
	})
	t.Run("new master key", func(t *testing.T) {
		if err := a.ring.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		a.ring.Make("day/2")
		a.sync()
		if err := b.Sync(ctx); !errors.Is(err, keyring.ErrMaster) {
			t.Errorf("the other node, with the old one: %v", err)
		}
		if len(b.ring.Get("day/1")) != 2 {
			t.Error("it lost what it had")
		}
		if err := b.ring.Adopt(ctx, masterFile); err != nil {
			t.Fatal(err)
		}
		both()
		same("day/2", 1)
		same("day/1", 2)
		c := &sharing{t: t, path: filepath.Join(dir, "d")}
		c.open(shelf, masterFile)
		defer c.ring.Close()
		c.sync()
		if len(c.ring.Get("day/1")) != 2 {
			t.Error("a new node cannot open what was there before the new master key")
		}
	})
	t.Run("no master key yet", func(t *testing.T) {
		a.ring.Make("day/3")
		a.sync()
		if err := b.ring.Close(); err != nil {
			t.Fatal(err)
		}
		b.open(shelf, away{})
		b.ring.Make("day/3")
		b.sync()
		if err := b.Claim(ctx, "later"); !errors.Is(err, keyring.ErrMaster) {
			t.Errorf("%v", err)
		}
		a.sync()
		if err := b.ring.Adopt(ctx, masterFile); err != nil {
			t.Fatal(err)
		}
		both()
		same("day/3", 2)
	})
}

// away is a master key that cannot be had.
type away struct{}

func (away) Key(context.Context) (k [keyring.Size]byte, err error) {
	return k, errors.New("the vault is down")
}
