package trace_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// Promise 26: the list of what is remembered of a call is closed (STANDARDS 5.1). A new
// field is a decision about privacy: it is made here too, or not at all.
func TestRecordIsAClosedList(t *testing.T) { // Mark and Marked: GPP-15
	stored := strings.Fields(`
		ID Service Method Start Answer End Calling Trust Shown Asserted Called CalledClass Withhold DivertedFrom Chain
		Withheld Class Rule Revision Ingress Egress Source CallIDIn CallIDOut Status Mark Marked Bases Expires`)
	var fields []string
	for f := range reflect.TypeFor[trace.Record]().Fields() {
		if f.IsExported() {
			fields = append(fields, f.Name)
		}
	}
	if !slices.Equal(fields, stored) {
		t.Errorf("stored:\n%v\nthe closed list:\n%v", fields, stored)
	}
	printed := strings.Fields(`
		answer asserted bases call_id_in call_id_out called called_class calling class diverted_from egress end expires
		id identity ingress method revision rule shown source start status withheld withhold_code`)
	var m map[string]any
	if err := json.Unmarshal(tracetest.Record(start).AppendPlain(nil), &m); err != nil {
		t.Fatal(err)
	}
	if keys := slices.Sorted(maps.Keys(m)); !slices.Equal(keys, printed) {
		t.Errorf("printed:\n%v\nthe closed list:\n%v", keys, printed)
	}
}

// Without identities a record still tells what operations need, and nothing of anybody.
func TestPublicForm(t *testing.T) {
	keys := newKeys(t, new(keyring.Memory))
	r := tracetest.Record(start)
	sealed := new(trace.Record)
	if _, err := trace.Decode(keys.AppendSealed(nil, r), sealed); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*trace.Record{"open": r, "closed": sealed} {
		text := string(r.AppendPublic(nil))
		for _, secret := range []string{"3161234567", "3120123456", "14020", "192.0.2.7", "a84b4c76e66710", "aabbccddeeff"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: tells %s", name, secret)
			}
		}
		for _, want := range []string{`"sealed":true`, r.ID.String(), `"rule":"D3"`, `"status":200`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: does not say %s: %s", name, want, text)
			}
		}
	}
	if r.Closed() || r.Calling == 0 {
		t.Error("printing changed the record")
	}
}
