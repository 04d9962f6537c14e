package trace_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

func newKeys(t testing.TB, s keyring.Storage) *trace.Keys {
	t.Helper()
	ring, err := keyring.Open(context.Background(), s, keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewKeys(ring)
}

func TestSealedRecordOpens(t *testing.T) {
	keys := newKeys(t, new(keyring.Memory))
	for name, want := range map[string]*trace.Record{
		"full":    tracetest.Record(start),
		"empty":   {},
		"message": {Service: trace.ServiceMessage, Called: 77},
	} {
		var got trace.Record
		sealed := keys.AppendSealed(nil, want)
		if _, err := trace.Decode(sealed, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !got.Closed() || got.Calling != 0 || got.Called != 0 || got.CallIDIn != "" || got.Source.IsValid() {
			t.Errorf("%s: identities without the key", name)
		}
		if err := keys.Open(&got); err != nil || got.Closed() || !same(&got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealingHidesIdentities(t *testing.T) {
	r := tracetest.Record(start)
	sealed := newKeys(t, new(keyring.Memory)).AppendSealed(nil, r)
	for _, n := range []numbering.Number{r.Calling, r.Shown, r.Asserted[0], r.Called, r.DivertedFrom} {
		for _, spelling := range tracetest.Spellings(n) {
			if bytes.Contains(sealed, spelling) {
				t.Errorf("number in clear, spelled in %d bytes", len(spelling))
			}
		}
	}
	for _, text := range []string{r.CallIDIn, r.CallIDOut, "\xc0\x00\x02\x07"} {
		if bytes.Contains(sealed, []byte(text)) {
			t.Error("Call-ID or address in clear")
		}
	}
}

// No bit of a sealed record can be changed unnoticed.
func TestSealedRecordIsAuthenticated(t *testing.T) {
	keys := newKeys(t, new(keyring.Memory))
	sealed := keys.AppendSealed(nil, tracetest.Record(start))
	for i := range len(sealed) * 8 {
		altered := bytes.Clone(sealed)
		altered[i/8] ^= 1 << (i % 8)
		var r trace.Record
		kind, err := trace.Decode(altered, &r)
		if err == nil && kind == 0 {
			err = keys.Open(&r)
		}
		if err == nil && kind == 0 {
			t.Fatalf("bit %d of byte %d changed unnoticed", i%8, i/8)
		}
	}
	var r trace.Record
	for n := range sealed {
		if _, err := trace.Decode(sealed[:n], &r); err == nil && keys.Open(&r) == nil {
			t.Fatalf("cut to %d bytes unnoticed", n)
		}
	}
}

func TestTokens(t *testing.T) {
	filed := func(keys *trace.Keys, r *trace.Record) []trace.Filed {
		return slices.Collect(trace.Entry{ID: r.ID, Value: keys.AppendSealed(nil, r)}.Filed())
	}
	keys := newKeys(t, new(keyring.Memory))
	a, b := tracetest.Record(start), tracetest.Record(start.Add(time.Second))
	one, two := filed(keys, a), filed(keys, b)
	if len(one) != 3 || !slices.Equal(one, two) {
		t.Errorf("the same numbers on the same day: %d and %d tokens, or they differ", len(one), len(two))
	}
	if one[0].Role != trace.RoleCaller || one[1].Role != trace.RoleCalled || one[2].Role != trace.RoleCalled {
		t.Errorf("roles %c %c %c", one[0].Role, one[1].Role, one[2].Role)
	}
	next := filed(keys, tracetest.Record(start.AddDate(0, 0, 1)))
	other := filed(newKeys(t, new(keyring.Memory)), a)
	for i := range one {
		if one[i].Token == next[i].Token || one[i].Token == other[i].Token {
			t.Error("the same token on another day, or under another key")
		}
	}
	self := tracetest.Record(start)
	self.Called, self.DivertedFrom = self.Calling, self.Calling
	if f := filed(keys, self); len(f) != 2 || f[0].Token == f[1].Token {
		t.Errorf("%d tokens; or the same one in both roles", len(f))
	}
	if n := len(filed(keys, &trace.Record{})); n != 0 {
		t.Errorf("%d tokens of nobody", n)
	}
}

func TestRecordCannotBeOpenedWithoutItsKey(t *testing.T) {
	var s keyring.Memory
	keys := newKeys(t, &s)
	var r trace.Record
	if _, err := trace.Decode(keys.AppendSealed(nil, tracetest.Record(start)), &r); err != nil {
		t.Fatal(err)
	}
	if err := newKeys(t, &s).Open(&r); !errors.Is(err, trace.ErrSealed) { // it was not saved
		t.Errorf("opened: %v", err)
	}
	if err := keys.Save(); err != nil {
		t.Fatal(err)
	}
	if err := newKeys(t, &s).Open(&r); err != nil {
		t.Error(err)
	}
}

func TestSealingDoesNotAllocate(t *testing.T) {
	keys := newKeys(t, new(keyring.Memory))
	r := tracetest.Record(start)
	buf := keys.AppendSealed(nil, r)
	if n := testing.AllocsPerRun(1000, func() { buf = keys.AppendSealed(buf[:0], r) }); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}

// Days are dropped when every record of theirs has expired, and not a day later.
func TestFirstKept(t *testing.T) {
	for _, c := range []struct {
		now    string
		months int
		want   string
	}{
		{"2026-11-22T23:59:00Z", 12, "2025-11-22"},
		{"2026-11-23T23:59:59Z", 12, "2025-11-23"},
		{"2026-11-24T00:00:00Z", 12, "2025-11-24"},
		{"2025-02-28T23:59:59Z", 12, "2024-02-28"},
		{"2025-03-01T00:00:00Z", 12, "2024-03-01"}, // 29 February went with the 28th
		{"2026-03-31T12:00:00Z", 1, "2026-03-01"},  // all of February
		{"2026-07-01T00:00:00Z", 6, "2026-01-01"},
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		if got := trace.FirstKept(now, c.months); got.String() != c.want {
			t.Errorf("%s, %d months: %s, want %s", c.now, c.months, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		months := rapid.IntRange(1, 12).Draw(t, "months")
		now := time.Unix(rapid.Int64Range(1.7e9, 2.5e9).Draw(t, "now"), 0).UTC()
		first := trace.FirstKept(now, months)
		if last := first.Start().Add(-1); trace.Expiry(last, months).After(now) {
			t.Fatalf("%v: drops %v too early", now, last)
		}
		if last := (first + 1).Start().Add(-1); !trace.Expiry(last, months).After(now) {
			t.Fatalf("%v: keeps %v too long", now, last)
		}
		// A purge at every midnight: gone within 24 hours.
		if oldest := first.Start(); trace.NextDrop(now).Sub(now) > 24*time.Hour || trace.Expiry(oldest, months).Before(now.Add(-24*time.Hour)) {
			t.Fatalf("%v: %v is kept more than a day after its expiry", now, oldest)
		}
	})
}
