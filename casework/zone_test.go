package casework_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"clirgate/casework"
	"clirgate/casework/casetest"
)

// Letters tell times as the clock on the wall had them, also in the hour that comes twice
// and beside the one that does not come.
func TestLettersTellLocalTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		utc, local string
	}{
		{"2026-03-29T00:59:00Z", "29-03-2026 01:59 CET"},
		{"2026-03-29T01:00:00Z", "29-03-2026 03:00 CEST"},
		{"2026-10-25T00:30:00Z", "25-10-2026 02:30 CEST"},
		{"2026-10-25T01:30:00Z", "25-10-2026 02:30 CET"},
		{"2026-12-31T23:30:00Z", "01-01-2027 00:30 CET"},
	} {
		o := newOffice(t)
		at, err := time.Parse(time.RFC3339, c.utc)
		if err != nil {
			t.Fatal(err)
		}
		o.now = at.Add(time.Minute)
		o.Service = casework.New(o.store, o.vault, casetest.Book{nuisance: {Name: "Piet Plaag"}}, o.audit, o.ring, casework.Options{Now: o.clock, Zone: zone})
		o.call(at, nil)
		disclosed := o.must(o.Approve(ctx, sue, o.goesOn(at).ID, "yes"))
		text := o.letter(disclosed, disclosed.Request.Document)
		if !strings.Contains(text, c.local) || strings.Contains(text, "UTC") {
			t.Errorf("%s is not told as %s", c.utc, c.local)
		}
	}
}
