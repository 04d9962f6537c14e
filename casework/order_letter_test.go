package casework_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/trace"
)

// An authority gets its answer on paper too: the same records, in its language and the
// sender's zone, and the digest of the signed file.
func TestOrderLetter(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string][]string{
		"nl": {"Verstrekking van verkeersgegevens", "vanaf dit nummer", "afgeschermd", "Bij deze vastleggingen", "1 maart 2026"},
		"en": {"in answer to your order", "from this number", "withheld", "it was noted", "1 March 2026"},
	} {
		o := newOffice(t)
		o.Service = casework.New(o.store, o.vault, casetest.Book{}, o.audit, o.ring, casework.Options{Now: o.clock, Zone: zone})
		at := o.now.AddDate(0, 0, -10)
		id := o.call(at, func(r *trace.Record) { r.Answer, r.End = at.Add(time.Second), at.Add(time.Minute) })
		o.call(at.Add(time.Hour), func(r *trace.Record) { r.Withheld, r.Answer, r.End = false, time.Time{}, time.Time{} })
		o.call(at, func(r *trace.Record) { r.Calling, r.Called = neighbour, nuisance })
		correction := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "a guest"})
		if _, err := o.Correct(ctx, dpo, correction.ID, casework.Correcting{Of: "call", To: []byte(`{"record":"` + id.String() + `","note":"<b>made by a guest</b>"}`), Why: "he says so"}); err != nil {
			t.Fatal(err)
		}
		order, err := o.OpenOrder(ctx, ivo, casework.Order{
			Authority: "OM Den Haag", Reference: "09/123456-26", Ground: "126n Sv", To: casework.Party{Address: "Kade 1", Postcode: "2500 AA", Town: "Den Haag", Language: language},
			Scope: casework.Scope{Number: nuisance, Caller: true, From: at.Add(-time.Hour), To: at.AddDate(0, 0, 1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.OrderLetter(ctx, ivo, order.ID); !errors.Is(err, casework.ErrNotFound) {
			t.Errorf("a letter before approval: %v", err)
		}
		if _, err := o.ApproveOrder(ctx, sue, order.ID); err != nil {
			t.Fatal(err)
		}
		file, err := o.OrderDocument(ctx, ivo, order.ID)
		if err != nil {
			t.Fatal(err)
		}
		letter, err := o.OrderLetter(ctx, ivo, order.ID)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(file.Body)
		text := html.UnescapeString(string(letter.Body))
		want = append(want, "OM Den Haag\nKade 1\n2500 AA  Den Haag", "09/123456-26", "126n Sv", "+31612345678", "+31205550147",
			at.In(zone).Format("02-01-2006 15:04:05 MST"), at.Add(time.Second).In(zone).Format("02-01-2006 15:04:05 MST"),
			id.String(), "made by a guest", hex.EncodeToString(sum[:4])+" "+hex.EncodeToString(sum[4:8]))
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: does not tell %q", language, w)
			}
		}
		if strings.Contains(string(letter.Body), "<b>made") {
			t.Error("a note is markup")
		}
		if strings.Count(text, "<tbody>") != 2 || strings.Contains(text, neighbour.E164()) {
			t.Errorf("%s: %d calls", language, strings.Count(text, "<tbody>"))
		}
	}
}
