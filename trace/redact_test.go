package trace_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"clirgate/trace/tracetest"
)

func TestRecordPrintsRedacted(t *testing.T) {
	r := tracetest.Record(start)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&out, verb+"\n", *r)
		fmt.Fprintf(&out, verb+"\n", r)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "record", r, "value", *r)
	js, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(js)
	for _, secret := range []string{
		"612345678", "612345679", "192.0.2.7", "a84b4c76", "14020",
		fmt.Sprint(uint64(r.Calling)), fmt.Sprintf("%x", uint64(r.Calling)),
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("prints %q", secret)
		}
	}
	if !strings.Contains(out.String(), r.ID.String()) {
		t.Error("does not say which call")
	}
}
