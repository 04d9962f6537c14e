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
	r := newRig(f, func(s *settings) { s.options.T1 = time.Millisecond })
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
		for {
			select {
			case m := <-r.b.in:
				if strings.HasPrefix(m.start, "REGISTER") { // which is not withheld
					continue
				}
				if strings.Contains(m.raw, "205550102") && !bytes.Contains(b, []byte("*31*0205550102")) {
					t.Errorf("leak in\n%s\nof\n%s", m.raw, b)
				}
				continue
			case <-r.psap.in:
				continue
			case <-r.core.in:
				continue
			case <-r.a.in:
				continue
			case <-r.p.in:
				continue
			default:
			}
			return
		}
	})
}
