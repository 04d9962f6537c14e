package proxy

import (
	"bytes"
	"strconv"
	"testing"

	"clirgate/sip/transport"
)

// BenchmarkCall is a whole call (INVITE, 180, 200, ACK, BYE, 200) from the bytes received
// to the bytes handed to the sockets, without record and network. What the user agents of
// the benchmark cost is in it.
func BenchmarkCall(b *testing.B) {
	for name, dialled := range map[string]string{"open": "0705550199", "withheld": "*31*0705550199"} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			t := newBenchCall(b, r, dialled)
			b.ReportAllocs()
			for b.Loop() {
				t.run()
			}
		})
	}
}

// benchCall plays both user agents with as little work as it can.
type benchCall struct {
	b      testing.TB
	r      *rig
	invite []byte
	caller transport.Flow
	callee transport.Flow
	n      int
}

func newBenchCall(b testing.TB, r *rig, dialled string) *benchCall {
	t := &benchCall{b: b, r: r}
	t.invite = []byte(crlf(r.a.invite(dialled, fromA, "Content-Type: application/sdp", "body:v=0\r\no=- 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")))
	t.caller = transport.Flow{Net: transport.UDP, Remote: r.a.addrPort()}
	t.callee = transport.Flow{Net: transport.UDP, Remote: r.b.addrPort()}
	return t
}

func (t *benchCall) run() {
	t.n++
	id := strconv.Itoa(t.n)
	invite := bytes.ReplaceAll(t.invite, []byte("z9hG4bKout"), []byte("z9hG4bK"+id+"x"))
	invite = bytes.ReplaceAll(invite, []byte("Call-ID: "), []byte("Call-ID: "+id))
	l, gw := t.r.gw.txl, t.r.gw
	l.Receive(invite, t.caller)
	gw.tl.Flush()
	got := t.r.b.get("INVITE")
	for _, status := range []string{"180 Ringing", "200 OK"} {
		l.Receive([]byte(crlf(got.response(status, "btag", "Contact: <sip:b@"+t.r.b.addr()+">"))), t.callee)
	}
	gw.tl.Flush()
	d := asCaller(t.r.a, t.r.a.get("SIP/2.0 200"))
	l.Receive([]byte(crlf(d.request("ACK"))), t.caller)
	l.Receive([]byte(crlf(d.request("BYE"))), t.caller)
	gw.tl.Flush()
	bye := t.r.b.get("BYE")
	l.Receive([]byte(crlf(bye.response("200 OK", ""))), t.callee)
	gw.tl.Flush()
	t.r.a.get("SIP/2.0 200")
}
