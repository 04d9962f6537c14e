package keyring_test

import (
	"context"
	"errors"
	"testing"

	"clirgate/trace/keyring"
	"clirgate/trace/keyring/keyringtest"
)

// What is made and destroyed while the shelf is away is told when it is back.
func TestExchangeShelfAway(t *testing.T) {
	ctx := context.Background()
	shelf := new(keyringtest.Shelf)
	open := func() (*keyring.Ring, *keyring.Exchange) {
		r, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{1})
		if err != nil {
			t.Fatal(err)
		}
		return r, keyring.NewExchange(r, shelf)
	}
	a, ax := open()
	b, bx := open()
	a.Make("old")
	for _, x := range []*keyring.Exchange{ax, bx} {
		if err := x.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	away := errors.New("away")
	shelf.Fail(away)
	a.Make("new")
	if _, err := a.Destroy(ctx, func(name string) bool { return name == "old" }); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{ax.Sync(ctx), bx.Sync(ctx), ax.Claim(ctx, "claimed")} {
		if !errors.Is(err, away) {
			t.Errorf("%v", err)
		}
	}
	shelf.Fail(nil)
	for _, x := range []*keyring.Exchange{ax, bx, ax} {
		if err := x.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.Get("new")) != 1 || len(b.Get("old")) != 0 || len(a.Get("old")) != 0 {
		t.Errorf("%v", b.Names())
	}
}
