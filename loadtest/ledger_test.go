package loadtest

import (
	"strings"
	"testing"

	"clirgate/loadtest/oracle"
)

func TestCompare(t *testing.T) {
	callers, err := newCallers("+3161234", 3)
	if err != nil {
		t.Fatal(err)
	}
	seen := func(slot uint32, caller int, class oracle.Class) seenCall {
		return seenCall{callName{slot, 1}, callers[plain][caller], class}
	}
	l := &Loop{}
	l.stats.ledger = []seenCall{
		seen(1, 0, oracle.Withheld), seen(2, 1, oracle.Shown), seen(3, 2, oracle.Unsure),
		seen(4, 0, oracle.Withheld), seen(5, 0, oracle.Withheld), seen(6, 0, oracle.Withheld), seen(7, 1, oracle.Emergency),
	}
	line := func(slot uint32, calling, withheld string) string {
		return `{"calling":"` + calling + `","withheld":` + withheld + `,"call_id_in":"0612-` + string(appendName(nil, callName{slot, 1})) + `@pc"}`
	}
	records := strings.Join([]string{
		line(1, "+31612340000", "true"), line(2, "+31612340001", "false"), line(3, "+31612340002", "true"),
		line(5, "+31612340001", "true"), line(6, "+31612340000", "false"),
		line(7, "+31612340001", "true"), line(7, "+31612340001", "false"), // placed twice, one of them right
		`{"calling":"+31612340000","withheld":true,"call_id_in":"of another generator"}`,
	}, "\n")
	r := &Run{loops: []*Loop{l}}
	got, err := r.Compare(strings.NewReader(records))
	want := Unrecorded{Calls: 7, Records: 8, Missing: 1, Caller: 1, Treatment: 1}
	if err != nil || got != want || got.OK() {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := r.Compare(strings.NewReader("{")); err == nil || strings.Contains(err.Error(), "0612") {
		t.Errorf("half a record is read: %v", err)
	}
}
