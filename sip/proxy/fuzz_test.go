package proxy

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"clirgate/sip/message/torture"
	"clirgate/sip/transport"
)

// FuzzRequest sends whatever it is through the gateway as a line without number
// presentation does. Nothing that comes out at the interconnect may tell the number of the
// line, and nothing may stop the gateway.
func FuzzRequest(f *testing.F) {
	r := newRig(f, func(s *settings) { s.options.T1 = 20 * time.Millisecond })
	for _, c := range torture.Cases {
		f.Add(c.Data())
	}
	for _, user := range []string{"0705550199", "*31*0705550199", "112"} {
		f.Add([]byte(crlf(r.p.invite(user, fromP, "Privacy: header", "Content-Type: text/plain", "body:"+numberP))))
	}
	flow := transport.Flow{Net: transport.UDP, Remote: r.p.addrPort()}
	f.Fuzz(func(t *testing.T, b []byte) {
		r.gw.txl.Receive(b, flow)
		r.gw.tl.Flush()
		for range 100 { // retransmissions may come without end
			select {
			case m := <-r.b.in:
				judge(t, b, m)
			case <-r.psap.in:
			case <-r.core.in:
			case <-r.a.in:
			case <-r.p.in:
			default:
				return
			}
		}
	})
}

// judge looks at what came out at the interconnect. A registration is not withheld.
func judge(t *testing.T, in []byte, out msg) {
	if strings.HasPrefix(out.start, "REGISTER") || bytes.Contains(in, []byte("31*0205550102")) {
		return
	}
	if strings.Contains(out.raw, "205550102") {
		t.Errorf("leak in\n%s\nof\n%s", out.raw, in)
	}
}
