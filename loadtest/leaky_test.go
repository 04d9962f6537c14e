package loadtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// masker is the smallest element that withholds: it masks what belongs to the caller
// on the way out and unmasks it on the way back. Stateless towards transactions; plant,
// when set, spoils what it sends to the callee, and spoil what it sends to the caller.
type masker struct {
	conn   *net.UDPConn
	callee netip.AddrPort
	caller netip.AddrPort
	calls  map[string]*maskedCall
	plant  func(m *wire.Message, out string, call *maskedCall) string
	spoil  func(m *wire.Message, out string) string
}

type maskedCall struct{ from, to, contact, callID string }

const mask = "maskedword"

func newMasker(t *testing.T, callee string) *masker {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	x := &masker{conn: c, callee: netip.MustParseAddrPort(callee), calls: map[string]*maskedCall{}}
	done := make(chan struct{})
	go func() { defer close(done); x.run() }()
	t.Cleanup(func() { c.Close(); <-done })
	return x
}

func (x *masker) run() {
	buf := make([]byte, 65536)
	for {
		n, from, err := x.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from = unmap(from)
		var m wire.Message
		if m.Parse(buf[:n]) != nil {
			continue
		}
		if from == x.callee {
			x.back(&m)
		} else {
			x.caller = from
			x.out(&m)
		}
	}
}

func hide(s string) string { return strings.ReplaceAll(s, oracle.Marker, mask) }
func show(s string) string { return strings.ReplaceAll(s, mask, oracle.Marker) }

// out sends a message of the caller on.
func (x *masker) out(m *wire.Message) {
	id := hide(string(m.Get(wire.CallID)))
	call := x.calls[id]
	if call == nil {
		_, contact, _ := wire.Address(m.Get(wire.Contact))
		call = &maskedCall{string(m.Get(wire.From)), string(m.Get(wire.To)), string(contact), string(m.Get(wire.CallID))}
		x.calls[id] = call
	}
	self := x.conn.LocalAddr().String()
	var b strings.Builder
	own, peer := wire.From, wire.To
	if m.Status == 0 {
		uri := string(m.URI)
		if wire.Tag(m.Get(wire.To)) == nil {
			uri = strings.NewReplacer("*31*", "", "%2A31%2a", "").Replace(uri)
		}
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", m.Method, uri)
		_, params := wire.ViaParts(wire.TopVia(m))
		fmt.Fprintf(&b, "Via: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 69\r\n", self, hide(string(wire.Param(params, "branch"))))
	} else {
		own, peer = wire.To, wire.From
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Status, m.Reason)
		wire.Elements(m, wire.Via, func(v []byte) {
			if !bytes.Contains(v, []byte(self)) {
				fmt.Fprintf(&b, "Via: %s\r\n", v)
			}
		})
	}
	fmt.Fprintf(&b, "%s: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=%s\r\n", own, hide(string(wire.Tag(m.Get(own)))))
	fmt.Fprintf(&b, "%s: %s\r\n", peer, strings.NewReplacer("*31*", "", "%2A31%2a", "").Replace(string(m.Get(peer))))
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %s\r\nContact: <sip:masked@%s>\r\nPrivacy: id\r\n", id, m.Get(wire.CSeq), self)
	for _, h := range []wire.ID{wire.RSeq, wire.RAck, wire.ReferTo, wire.ContentType} {
		if m.Has(h) {
			fmt.Fprintf(&b, "%s: %s\r\n", h, m.Get(h))
		}
	}
	b.WriteString("Supported: 100rel\r\n")
	body := hide(string(m.Body))
	out := b.String() + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	if x.plant != nil {
		out = x.plant(m, out, call)
	}
	_, _ = x.conn.WriteToUDPAddrPort([]byte(out), x.callee)
}

// back sends a message of the callee to the caller.
func (x *masker) back(m *wire.Message) {
	call := x.calls[string(m.Get(wire.CallID))]
	if call == nil {
		return
	}
	self := x.conn.LocalAddr().String()
	var b strings.Builder
	tag := func(id wire.ID) string { return show(string(wire.Tag(m.Get(id)))) }
	if m.Status == 0 {
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKm\r\nVia: %s\r\n", m.Method, call.contact, self, m.Get(wire.Via))
		fmt.Fprintf(&b, "From: %s;tag=%s\r\nTo: %s\r\n", call.to, tag(wire.From), call.from)
	} else {
		_, params := wire.ViaParts(wire.TopVia(m))
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\nVia: SIP/2.0/UDP %s;branch=%s\r\n", m.Status, m.Reason, x.caller, show(string(wire.Param(params, "branch"))))
		fmt.Fprintf(&b, "From: %s\r\nTo: %s;tag=%s\r\n", call.from, call.to, tag(wire.To))
	}
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %s\r\nContact: <sip:callee@%s>\r\n", call.callID, m.Get(wire.CSeq), self)
	for _, h := range []wire.ID{wire.RSeq, wire.Require, wire.ContentType} {
		if m.Has(h) {
			fmt.Fprintf(&b, "%s: %s\r\n", h, m.Get(h))
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(m.Body), m.Body)
	out := b.String()
	if x.spoil != nil {
		out = x.spoil(m, out)
	}
	_, _ = x.conn.WriteToUDPAddrPort([]byte(out), x.caller)
}

// through runs withheld calls of every flow through a masker spoiled by change.
func through(t *testing.T, change func(*masker)) (Result, []oracle.Count) {
	t.Helper()
	mix, err := ParseMix("star31=1,answer=1,callee-bye=1,early-bye=1,cancel-ringing=1,busy=1,reinvite-caller=1,reinvite-callee=1,update-callee=1,prack=1,refer=1,message=1")
	if err != nil {
		t.Fatal(err)
	}
	there, err := net.ListenPacket("udp", "127.0.0.1:0") // a port for the callee
	if err != nil {
		t.Fatal(err)
	}
	callee := there.LocalAddr().String()
	x := newMasker(t, callee)
	there.Close()
	if change != nil {
		change(x)
	}
	r, err := New(Config{Target: "udp:" + x.conn.LocalAddr().String(), CalleeListen: []string{"udp:" + callee}, Mix: mix,
		Profile: Profile{{300, 300, 400 * time.Millisecond}}, Ring: 5 * time.Millisecond, Hold: 10 * time.Millisecond,
		Linger: 100 * time.Millisecond, Seed: 7, MaxInFlight: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Do(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return r.Result(), r.Tally().Counts()
}

func TestMaskerThatMasksHasNoFinding(t *testing.T) {
	r, findings := through(t, nil)
	if len(findings) > 0 || r.Totals.Failed > 0 || r.Totals.Seen < 60 {
		t.Errorf("%d calls seen, %d failed: %v\n%v", r.Totals.Seen, r.Totals.Failed, r.Outcomes, findings)
	}
}

// after puts a line behind the Call-ID line.
func after(out, line string) string {
	i := strings.Index(out, "CSeq: ")
	return out[:i] + line + "\r\n" + out[i:]
}

// TestEveryPlantedLeakIsFound lets the masker forget one thing in one kind of message.
func TestEveryPlantedLeakIsFound(t *testing.T) {
	on := func(method wire.Method, response bool, f func(m *wire.Message, out string, c *maskedCall) string) func(*masker) {
		return func(x *masker) {
			x.plant = func(m *wire.Message, out string, c *maskedCall) string {
				if m.Method == method && (m.Status != 0) == response {
					return f(m, out, c)
				}
				return out
			}
		}
	}
	header := func(format string) func(*wire.Message, string, *maskedCall) string {
		return func(_ *wire.Message, out string, c *maskedCall) string {
			_, uri, _ := wire.Address([]byte(c.from))
			return after(out, strings.ReplaceAll(format, "NUMBER", string(wire.User(uri))))
		}
	}
	realFrom := func(m *wire.Message, out string, c *maskedCall) string {
		return strings.Replace(out, `"Anonymous" <sip:anonymous@anonymous.invalid>`, c.from[:strings.Index(c.from, ">")+1], 1)
	}
	back := func(from, to string) func(*masker) {
		return func(x *masker) {
			x.spoil = func(_ *wire.Message, out string) string { return strings.ReplaceAll(out, from, to) }
		}
	}
	for _, c := range []struct {
		name   string
		change func(*masker)
		kind   oracle.Kind
		vector string
		method string
	}{
		{"asserted identity", on(wire.Invite, false, header("P-Asserted-Identity: <sip:NUMBER@a>")), oracle.Leak, "P-Asserted-Identity", "INVITE"},
		{"vendor header", on(wire.Invite, false, header("X-Caller: NUMBER")), oracle.Leak, "X-Caller", "INVITE"},
		{"From of INVITE", on(wire.Invite, false, realFrom), oracle.Leak, "From", "INVITE"},
		{"From of ACK", on(wire.Ack, false, realFrom), oracle.Leak, "From", "ACK"},
		{"From of CANCEL", on(wire.Cancel, false, realFrom), oracle.Leak, "From", "CANCEL"},
		{"From of PRACK", on(wire.Prack, false, realFrom), oracle.Leak, "From", "PRACK"},
		{"From of BYE", on(wire.Bye, false, realFrom), oracle.Leak, "From", "BYE"},
		{"From of REFER", on(wire.Refer, false, realFrom), oracle.Leak, "From", "REFER"},
		{"From of MESSAGE", on(wire.Text, false, realFrom), oracle.Leak, "From", "MESSAGE"},
		{"To of the response to BYE", on(wire.Bye, true, realFrom), oracle.Leak, "To", "BYE"},
		{"To of the response to UPDATE", on(wire.Update, true, realFrom), oracle.Leak, "To", "UPDATE"},
		{"Server of the response to INVITE", on(wire.Invite, true, header("Server: phone")), oracle.Leak, "Server", "INVITE"},
		{"tag", on(wire.Ack, false, func(m *wire.Message, out string, _ *maskedCall) string {
			return strings.Replace(out, ";tag="+mask, ";tag="+oracle.Marker, 1)
		}), oracle.Leak, "From", "ACK"},
		{"Call-ID", func(x *masker) {
			x.plant = func(_ *wire.Message, out string, c *maskedCall) string {
				x.calls[c.callID] = c
				return strings.Replace(out, hide(c.callID), c.callID, 1)
			}
		}, oracle.Leak, "Call-ID", "INVITE"},
		{"branch", on(wire.Bye, false, func(m *wire.Message, out string, _ *maskedCall) string {
			return strings.Replace(out, "z9hG4bK"+mask, "z9hG4bK"+oracle.Marker, 1)
		}), oracle.Leak, "Via", "BYE"},
		{"session description", on(wire.Invite, false, func(m *wire.Message, out string, _ *maskedCall) string {
			return strings.Replace(out, "o="+mask, "o="+oracle.Marker, 1)
		}), oracle.Leak, "body", "INVITE"},
		{"Contact", on(wire.Invite, false, func(m *wire.Message, out string, c *maskedCall) string {
			return strings.Replace(out, "<sip:masked@", "<"+c.contact+">, <sip:masked@", 1)
		}), oracle.Leak, "Contact", "INVITE"},
		{"marker", on(wire.Invite, false, func(m *wire.Message, out string, _ *maskedCall) string {
			return strings.Replace(out, "Privacy: id\r\n", "", 1)
		}), oracle.Form, "Privacy", "INVITE"},
		{"From not restored", back(`From: "Jan`, `From: "Anonymous`), oracle.Restore, "From", "INVITE"},
		{"To not restored", func(x *masker) {
			x.spoil = func(_ *wire.Message, out string) string {
				return strings.NewReplacer("*31*", "", "%2A31%2a", "").Replace(out)
			}
		}, oracle.Restore, "To", "INVITE"},
		{"To not restored in BYE", back(`To: "Jan`, `To: "Piet`), oracle.Restore, "To", "BYE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, findings := through(t, c.change)
			for _, f := range findings {
				if f.Kind == c.kind && f.Vector == c.vector && f.Method == c.method {
					return
				}
			}
			t.Errorf("not found: %v", findings)
		})
	}
}
