//go:build !race

// The race detector drops pooled values at random.

package privacy

import (
	"testing"

	"clirgate/sip/message"
)

// BenchmarkPlanBody: a withheld caller's SDP, alone and in a multipart, and a shown one's.
func BenchmarkPlanBody(b *testing.B) {
	parts := onWire("--b\nContent-Type: application/sdp\n\n"+tv28SDP+"\n--b\nContent-Type: application/isup\n\n") + string(tv29ISUP) + "\r\n--b--\r\n"
	for name, c := range map[string]struct {
		ctype, body string
		col         column
	}{
		"sdp/withheld":       {"application/sdp", onWire(tv28SDP), colUW},
		"sdp/shown":          {"application/sdp", onWire(tv28SDP), colUN},
		"multipart/withheld": {"multipart/mixed;boundary=b", parts, colUW},
		"multipart/shown":    {"multipart/mixed;boundary=b", parts, colUN},
	} {
		b.Run(name, func(b *testing.B) {
			tr := bodyTransit(b, "INVITE", "Content-Type: "+c.ctype+"\r\n", c.body)
			var e message.Edits
			b.ReportAllocs()
			for b.Loop() {
				e.Reset(tr.M)
				if err := planBody(&e, tr, c.col); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPlanBodyDoesNotAllocate(t *testing.T) {
	tr := sdpTransit(t, onWire(tv28SDP))
	var e message.Edits
	out := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(200, func() {
		e.Reset(tr.M)
		if err := planBody(&e, tr, colUW); err != nil {
			t.Fatal(err)
		}
		out, _ = e.Apply(out[:0])
	}); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
