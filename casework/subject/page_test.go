package subject_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"clirgate/casework"
	"clirgate/casework/subject"
)

// A subscriber reads words and his own clock, no JSON and no protocol.
func TestPageIsForPeople(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)
	e := &subject.Export{
		Number: "+31612345678", Made: at,
		Services:  []byte(`{"number":"+31612345678","clir":"permanent","clip":true,"until":"2026-07-31T22:00:00Z"}`),
		Shielding: &subject.Shielding{From: "2024-10-04"},
		Calls: []subject.Call{
			{Direction: "made", Service: "INVITE", Start: at, Expires: at},
			{Direction: "received", Service: "MESSAGE", Start: at, Expires: at},
		},
		Requests: []subject.Request{
			{Right: casework.RightObjection, Received: at, Due: at},
			{Right: casework.RightCorrection, Received: at, Due: at, Corrections: []subject.Corrected{
				{Of: "rule", At: at, Before: `{"clir":"none","clip":true}`, After: `{"clir":"permanent","clip":true}`, Why: "why"},
				{Of: "rule", At: at, Before: `{"note":"old"}`, After: `{}`, Why: "why"},
				{Of: "shielding", At: at, Before: "from 2024-10-04", After: "from 2024-11-04", Why: "why"},
			}},
		},
	}
	for language, want := range map[string][]string{
		"nl": {
			"02-07-2026 00:30:00 CEST", "01-08-2026 00:00:00 CEST", "04-10-2024", "gemaakt (oproep)", "ontvangen (bericht)", "niet beantwoord",
			"nummer afschermen (CLIR): voorheen: nee; nu: permanent", "aantekening: voorheen: old; nu: niets", "voorheen: vanaf 04-10-2024; nu: vanaf 04-11-2024", "een jaar na intrekking of afwijzing",
		},
		"en": {
			"number withheld (CLIR): before: no; after: permanent", "calling number shown (CLIP)", "before: from 04-10-2024; after: from 04-11-2024", "a year after it is lifted or not granted",
		},
	} {
		var b bytes.Buffer
		if err := e.WriteHTML(&b, subject.Print{Language: language, Zone: zone}); err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(b.String(), "</style>")
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: does not tell %q", language, w)
			}
		}
		for _, not := range []string{"{", "&#34;", "INVITE", "MESSAGE", "clir:", "UTC"} {
			if strings.Contains(body, not) {
				t.Errorf("%s: tells %q", language, not)
			}
		}
	}
}
