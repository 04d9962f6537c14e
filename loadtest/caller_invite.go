package loadtest

import (
	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// place starts a call that was to begin at intended (Unix ns).
func (l *Loop) place(ep *endpoint, id Identity, flow Flow, intended int64) {
	slot, gen, ok := l.slots.take()
	if !ok {
		l.stats.noSlot++
		return
	}
	g := l.newLeg(ep, callName{slot, gen})
	l.calls[slot-l.slots.base] = g
	l.inFlight++
	l.stats.offered++
	g.flow, g.asks, g.does, g.intended = flow, id, flow.behaviour(), intended
	g.variant = l.random.Uint32() >> 8
	g.dest = dest{addr: l.target}
	var epoch uint32
	g.who, g.class, epoch = l.choose(id)
	p := &l.book.pages[slot]
	p.caller, p.class, p.epoch = g.who, g.class, epoch
	p.sent.Store(0)
	p.arrival.Store(0)
	p.answered.Store(0)
	p.gen.Store(gen)
	g.page = p
	if l.media != nil && flow != Message {
		g.media = l.media.open(g)
	}
	g.identify()
	g.loop.wheel.set(&g.guard, l.config.patience)
	g.invite()
}

// choose picks a caller for an identity, and what its call may show.
func (l *Loop) choose(id Identity) (*Caller, oracle.Class, uint32) {
	h := plain
	class := oracle.Withheld
	switch id {
	case Ordinary:
		class = oracle.Shown
	case Permanent:
		h = permanent
	case TempRestricted:
		h = restricted
	case TempAllowed:
		h, class = allowed, oracle.Shown
	case Toggled:
		h = toggled
	case Emergency112:
		h, class = habit(l.random.IntN(int(habits))), oracle.Emergency
	}
	all := l.callers[h]
	c := all[l.random.IntN(len(all))]
	if id == Toggled {
		class, epoch := c.toggle.class()
		return c, class, epoch
	}
	return c, class, 0
}

// identify writes the identifiers and parties of the call.
func (g *leg) identify() {
	l, c := g.loop, g.who
	at := len(g.store)
	if g.asks == Rich { // devices that put their number into everything
		g.store = append(append(g.store, c.national...), '-')
	}
	g.store = appendName(g.store, g.name)
	g.store = append(g.store, "@pc.zwaluwnest.invalid"...)
	g.callID = g.kept(at)

	at = len(g.store)
	switch {
	case g.asks == Anonymous, g.asks == Emergency112 && g.variant%4 == 3:
		g.store = append(g.store, `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=`...)
	default:
		g.store = append(g.store, `"Jan Zwaluwnest" <sip:`...)
		g.store = append(g.store, c.E164...)
		g.store = append(g.store, '@')
		g.store = append(g.store, l.config.Domain...)
		g.store = append(g.store, ";user=phone>;tag="...)
	}
	g.store = appendName(g.store, g.name)
	g.local = g.kept(at)

	at = len(g.store)
	g.store = append(g.store, "sip:"...)
	if g.asks != Anonymous {
		g.store = append(g.store, c.E164...)
	}
	g.store = append(g.store, '-')
	g.store = appendName(g.store, g.name)
	g.store = append(g.store, '@')
	g.store = append(g.store, g.ep.address...)
	g.store = append(g.store, g.ep.suffix...)
	g.contact = g.kept(at)

	g.uri = g.address(l.config.targetHost)
	at = len(g.store)
	g.store = append(g.store, '<')
	uri := g.address(l.config.Domain)
	g.store = append(g.store, '>')
	g.dialled = g.store[at : at+len(uri)+2 : at+len(uri)+2]
	g.remote = g.dialled
}

// address writes what is dialled as a URI at host.
func (g *leg) address(host string) []byte {
	at := len(g.store)
	if g.asks == Emergency112 && g.variant%8 == 7 {
		g.store = append(g.store, "urn:service:sos"...)
		return g.kept(at)
	}
	g.store = append(g.store, "sip:"...)
	g.dial()
	g.store = append(g.store, '@')
	g.store = append(g.store, host...)
	if g.asks != Emergency112 {
		g.store = append(g.store, ";user=phone"...)
	}
	return g.kept(at)
}

// dial writes the digits the user dials.
func (g *leg) dial() {
	if g.asks == Emergency112 {
		g.store = append(g.store, [...]string{"112", "*31*112", "131112", "+31112", "112", "*31*112", "%2A31%2A112", "112"}[g.variant%8]...)
		return
	}
	switch g.asks {
	case Star31, Diverted, Rich:
		if g.variant%8 == 5 {
			g.store = append(g.store, "%2A31%2a"...)
		} else {
			g.store = append(g.store, "*31*"...)
		}
	case Rotary131:
		g.store = append(g.store, "131"...)
	}
	class := g.class
	if g.asks == Toggled {
		class = oracle.Unsure
	}
	number := g.loop.config.calledPrefix()
	if g.asks == Ordinary && g.variant%2 == 1 || g.asks == TempAllowed {
		g.store = append(g.store, number...)
	} else {
		g.store = append(append(g.store, '0'), number[3:]...)
	}
	g.store = code{class: class, failing: g.flow == Failover, behaviour: g.does, slot: g.name.slot}.appendDigits(g.store)
}

// invite sends the first request: INVITE, or MESSAGE.
func (g *leg) invite() {
	method := wire.Invite
	if g.flow == Message {
		method = wire.Text
	}
	g.cseq, g.branch, g.version = 1, 1, 1
	b := g.request(method, g.uri, g.cseq, g.branch, g.dialled)
	if method == wire.Invite {
		b = g.appendContact(b)
	}
	b = g.identityHeaders(b)
	t := &g.inv
	if method == wire.Text {
		t = &g.req
		b = withBody(b, "text/plain", func(b []byte) []byte { return append(b, "hallo"...) })
	} else {
		b = append(b, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, REFER, NOTIFY\r\nSupported: 100rel, timer\r\n"...)
		b = g.withSDP(b)
	}
	t.start(g, method, g.cseq, g.branch, b)
	g.ep.end(b, g.dest, &g.page.sent)
}

// identityHeaders writes what the caller's device says of itself.
func (g *leg) identityHeaders(b []byte) []byte {
	name := func(header, params string) {
		b = append(b, header...)
		b = append(b, `: "Jan Zwaluwnest" <sip:`...)
		b = append(b, g.who.E164...)
		b = append(b, '@')
		b = append(b, g.loop.config.Domain...)
		b = append(b, '>')
		b = append(b, params...)
		b = append(b, "\r\n"...)
	}
	switch g.asks {
	case Anonymous:
		b = append(b, "Privacy: id\r\n"...)
		name("P-Preferred-Identity", "")
	case PrivacyID:
		b = append(b, "Privacy: id\r\n"...)
		name("P-Asserted-Identity", "")
	case Emergency112:
		if g.variant%2 == 1 {
			b = append(b, "Privacy: header;user;id\r\n"...)
		}
		name("P-Preferred-Identity", "")
	case Diverted:
		name("P-Asserted-Identity", "")
		name("Diversion", ";reason=unconditional;privacy=off;counter=1")
		b = append(b, "History-Info: <sip:"...)
		b = append(b, g.who.E164...)
		b = append(b, "@carrier.example?Privacy=history>;index=1\r\n"...)
	case Rich:
		b = g.richHeaders(b)
	default:
		name("P-Asserted-Identity", "")
	}
	return append(b, "User-Agent: zwaluwnest-phone 00155d112233\r\n"...)
}

// richHeaders is everything that leaks, as devices and networks send it.
func (g *leg) richHeaders(b []byte) []byte {
	for _, h := range richHeaders {
		b = append(b, h.before...)
		switch h.number {
		case national:
			b = append(b, g.who.national...)
		case e164:
			b = append(b, g.who.E164...)
		case encoded:
			b = appendHex(b, g.who.national)
		}
		b = append(b, h.after...)
		b = append(b, "\r\n"...)
	}
	return b
}

func appendHex(b, text []byte) []byte {
	for _, c := range text {
		b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return b
}

// spelling is how a header has the number.
type spelling uint8

const (
	none spelling = iota
	national
	e164
	encoded
)

var richHeaders = []struct {
	before string
	number spelling
	after  string
}{
	{"P-Asserted-Identity: <sip:", e164, "@carrier.example>"},
	{"Subject: bel mij terug op ", national, ""},
	{"Organization: Zwaluwnest BV", none, ""},
	{"Reply-To: <sip:", national, "@zwaluwnest.invalid>"},
	{"Call-Info: <http://zwaluwnest.invalid/jan.png>;purpose=icon", none, ""},
	{"Remote-Party-ID: <sip:", national, "@carrier.example>;party=calling;privacy=off"},
	{"P-Charge-Info: <sip:", e164, "@carrier.example>;npi=ISDN;noa=3"},
	{"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=204080zwaluwnest", none, ""},
	{"P-Charging-Vector: icid-value=\"pc.zwaluwnest-77\"", none, ""},
	{"User-to-User: ", encoded, ";encoding=hex"},
	{"X-Asterisk-Caller: ", national, ""},
	{"Proxy-Authorization: Digest username=\"", e164, "\",realm=\"carrier.example\",nonce=\"n\",uri=\"sip:carrier.example\",response=\"d\""},
	{"Geolocation: <https://lis.zwaluwnest.invalid/", national, ">"},
	{"In-Reply-To: 99@pc.zwaluwnest.invalid", none, ""},
	{"Accept-Language: nl-NL", none, ""},
}
