package proxy

import (
	"strconv"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
	"clirgate/trace"
)

// A call came from the trust domain without its caller's identity, and the called party may
// have it marked as malicious: then the caller's network is asked who it is (GPP-17, TS
// 24.616 4.5.2.5). The question is an INFO in the dialog as the caller's side sees it, sent
// when that side first hears of the dialog. Its CSeq is 0: the called side's own requests,
// which know nothing of it, come after it whatever they are numbered. The answer is in the
// INFO's response or in an INFO of the other direction; both end here. What it says becomes
// a record of its own beside the call's.
//
// A call that is not marked at once may be marked later, also after its end, when nobody
// can be asked any more; so the question is put for every party that has the service
// [decision].

const (
	answerTime  = 15 * time.Second // TS 24.616, timer T_O-ID [decision]
	identityTag = "identity"       // the asked party in Proxy.asked
)

// inquiry marks the client transaction of a question.
type inquiry struct{ c *call }

// askIdentity asks once, after a response with that status in w.out has begun a dialog.
func (c *call) askIdentity(w *work, status int) {
	if c.inquired || !c.initial || c.method != message.INVITE || status <= 100 || status >= 300 ||
		c.facts.trust == trace.TrustAsserted || c.treatment.Class == rules.E || c.m == nil || c.p.d.Recorder == nil || !c.mayMark(c.facts.called) {
		return
	}
	if w.reread.Parse(w.out) != nil || len(w.reread.ToTag()) == 0 {
		return
	}
	target, ok := c.contact()
	if !ok {
		return
	}
	c.inquired = true
	b := branch{}
	c.makeBranch(&b)
	w.buf = c.appendQuestion(w.buf[:0], b.name(), target, w.reread.ToTag())
	client, err := c.tx.Client(w.buf, b.name(), c.flow, answerTime)
	if err != nil {
		return
	}
	client.Data = inquiry{c}
	c.p.asked.add(c.dialog.ID, []byte(identityTag), false, c.now, answerTime)
	c.p.note(IdentityAsked)
}

// contact is where the caller's side is reached.
func (c *call) contact() (uri []byte, ok bool) {
	for na, ok := range c.m.NameAddrs(message.HContact) {
		return c.m.Get(na.URI), ok
	}
	return nil, false
}

// appendQuestion appends the INFO. It goes to where the INVITE came from, which is inside
// the trust domain, by the route set that the INVITE recorded.
func (c *call) appendQuestion(dst, branch, target, tag []byte) []byte {
	line := func(parts ...[]byte) {
		for _, p := range parts {
			dst = append(dst, p...)
		}
		dst = append(dst, "\r\n"...)
	}
	text := func(s string) []byte { return []byte(s) }
	line(text("INFO "), target, text(" SIP/2.0"))
	line(text("Via: SIP/2.0/"+c.flow.Net.String()+" "+c.p.d.Transport.Advertised(c.flow.Listener)+";rport;branch="), branch)
	line(text("Max-Forwards: 70"))
	for _, s := range c.m.ValuesOf(message.HRecordRoute) {
		line(text("Route: "), c.m.Get(s))
	}
	line(text("From: "), privacy.AppendParty(nil, c.m, message.HTo), text(";tag="), tag)
	line(text("To: "), c.m.Value(message.HFrom))
	line(text("Call-ID: "), c.m.CallID())
	line(text("CSeq: 0 INFO"))
	line(text("Content-Type: application/vnd.etsi.mcid+xml"))
	line(text("Content-Length: "+strconv.Itoa(len(privacy.IdentityRequest))), text("\r\n\r\n"+privacy.IdentityRequest))
	return dst[:len(dst)-len("\r\n")]
}

// identityAnswered: a response to a question, not to the call.
func (p *Proxy) identityAnswered(client *transaction.Client, m *message.Message) {
	q, ok := client.Data.(inquiry)
	if !ok || m.Status()/100 != 2 {
		return
	}
	id, ok := privacy.ReadCallerIdentity(m, p.d.Plan)
	if !ok || q.c.tx == nil || !p.asked.take(q.c.dialog.ID, []byte(identityTag), p.d.Now()) {
		return // or it comes later, in an INFO
	}
	c := q.c
	if c.m = c.tx.Request(); c.m == nil {
		return
	}
	c.keepIdentity(id, c.branch)
}

// takeIdentity: the caller's network answers in an INFO of its own. It goes nowhere.
func (c *call) takeIdentity() bool {
	if !c.from.TellsIdentity || c.tx == nil {
		return false
	}
	id, ok := privacy.ReadCallerIdentity(c.m, c.p.d.Plan)
	if !ok || !c.p.asked.take(c.dialog.ID, []byte(identityTag), c.now) {
		return false
	}
	c.keepIdentity(id, nil)
	c.tx.Reply(200, "", nil)
	return true
}

// keepIdentity records who the caller's network says it is, as a record of its own, found
// like the call's. A party that has every withheld call marked has this one marked too, so
// that the evidence names the caller.
func (c *call) keepIdentity(id privacy.CallerIdentity, b *branch) {
	w := takeWork()
	defer w.giveBack()
	now := c.p.d.Now()
	c.fillRecord(w)
	r := &w.record
	r.ID, r.Method, r.Start, r.End, r.Status = trace.NewID(now), message.INFO.String(), now, now, 200
	r.Calling, r.Trust, r.Shown = id.Network, trace.TrustAsserted, id.Generic
	if r.Calling == 0 { // as its user shows it is all that it knows
		r.Trust = trace.TrustNone
	}
	r.Asserted = [2]numbering.Number{id.Network}
	r.Source = c.flow.Remote
	if b != nil {
		r.Egress = b.to.peer.Name
	}
	c.p.d.Recorder.Begin(r, nil)
	c.p.note(IdentityTold)
	s, _ := c.p.snapshot().Subscriber(r.Called, now)
	if s.MCID == rules.MCIDPermanent && r.Withheld && c.p.d.Marks != nil {
		c.p.d.Marks.Mark(trace.Marking{Record: r.ID, Called: r.Called, At: now, How: trace.MarkAlways}, nil)
	}
}
