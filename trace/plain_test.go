package trace_test

import (
	"testing"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

func TestPlain(t *testing.T) {
	r := tracetest.Record(start)
	want := `{"id":"` + r.ID.String() + `","method":"INVITE","start":"2026-11-23T22:34:05.678+01:00",` +
		`"answer":"2026-11-23T22:34:08.678+01:00","end":"2026-11-23T22:35:05.678+01:00",` +
		`"calling":"+31612345678","identity":"screened","shown":"+31612345679","asserted":["+31612345670","14020"],` +
		`"called":"+31201234567","called_class":"number","withhold_code":true,"diverted_from":"+31301234567",` +
		`"withheld":true,"class":"W","rule":"D3","revision":1099511627776,"ingress":"phones","egress":"core",` +
		`"source":"192.0.2.7:5060","call_id_in":"a84b4c76e66710@pc33.example","call_id_out":"aabbccddeeff",` +
		`"status":200,"bases":["transmission","nuisance"],"expires":"2027-11-23T22:34:05.678+01:00"}`
	if got := string(r.AppendPlain(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := string((&trace.Record{}).AppendPlain(nil))
	want = `{"id":"00000000000000000000000000","method":"","start":"0001-01-01T00:00:00Z","identity":"unknown",` +
		`"called_class":"","withhold_code":false,"withheld":false,"class":"unknown","rule":"unknown","revision":0,` +
		`"ingress":"","egress":"","source":"","call_id_in":"","call_id_out":"","bases":[],"expires":"0001-01-01T00:00:00Z"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
