package trace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/keyring"
)

// noMaster is a master key that is away.
type noMaster struct{}

func (noMaster) Key(context.Context) ([keyring.Size]byte, error) {
	return [keyring.Size]byte{}, errors.New("vault is sealed")
}

// A search that cannot see says so: nobody shall take it for "no call".
func TestSearchSaysWhatItCannotSee(t *testing.T) {
	v := newVault(t)
	r := v.call(t, start, nil)
	q := trace.Query{Called: r.Called, From: start.Add(-48 * time.Hour), To: start.Add(48 * time.Hour), Basis: trace.BasisNuisance}
	clock := func() time.Time { return v.now }
	locked, err := keyring.Open(ctx, &v.keys, noMaster{})
	if !errors.Is(err, keyring.ErrMaster) {
		t.Fatal(err)
	}
	none := func(*trace.Record) bool { t.Error("found"); return true }
	for name, c := range map[string]struct {
		keys *trace.Keys
		want error
	}{
		"the master key is away": {trace.NewKeys(locked), keyring.ErrMaster},
		"the day's key is lost":  {newKeys(t, new(keyring.Memory)), trace.ErrSealed},
	} {
		err := trace.NewVault(&v.store, c.keys, clock).Search(ctx, q, none)
		if !errors.Is(err, c.want) || !errors.Is(err, trace.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of a day that has expired there is nothing to be said.
	v.now = r.Expires.Add(time.Hour)
	if err := trace.NewVault(&v.store, newKeys(t, new(keyring.Memory)), clock).Search(ctx, q, none); err != nil {
		t.Errorf("expired: %v", err)
	}
}
