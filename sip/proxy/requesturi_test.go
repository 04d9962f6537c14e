package proxy

import (
	"testing"

	"clirgate/sip/message"
)

// TestRequestURI: what was dialled, and what is sent on.
func TestRequestURI(t *testing.T) {
	r := newRig(t)
	f := func(peer, in, want string) {
		t.Helper()
		m := new(message.Message)
		text := crlf("INVITE " + in + " SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: x\nCSeq: 1 INVITE\n")
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		c := r.gw.proxy.newCall(nil, m, r.flow())
		defer c.giveBack()
		for _, p := range c.t.peers {
			if p.Name == peer {
				c.from = p
			}
		}
		w := takeWork()
		defer w.giveBack()
		if !c.readURI(w) || !c.preprocess(w) || !c.begin(w) || !c.route(w) {
			t.Errorf("%s: refused", in)
			return
		}
		if got := string(c.path.uri); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	f("A", "sip:0705550199@gw.example.net", "sip:+31705550199@gw.example.net")
	f("A", "sip:*31*0705550199@gw.example.net:5070;x=y", "sip:+31705550199@gw.example.net:5070;x=y")
	f("A", "sip:%2A31%2a070-555%2001.99@gw.example.net;user=phone", "sip:+31705550199@gw.example.net;user=phone")
	f("A", "sip:*31*0705550199;phone-context=gw.example.net;isub=12@gw.example.net;user=dialstring", "sip:+31705550199;isub=12@gw.example.net;user=phone")
	f("A", "tel:*31*0705550199;phone-context=+31", "tel:+31705550199")
	f("A", "tel:+31-70-5550199;isub=1", "tel:+31705550199;isub=1")
	f("A", "sip:*31*144@gw.example.net", "sip:144@gw.example.net")
	f("A", "tel:*31*144;phone-context=+31", "tel:144;phone-context=+31")
	f("A", "sip:*31*jan@gw.example.net", "sip:jan@gw.example.net")
	f("A", "sip:16200705550199@gw.example.net", "sip:16200705550199@gw.example.net")
	f("A", "sip:*31*112@gw.example.net;user=phone", "sip:112@gw.example.net;user=phone")
	f("A", "sip:+31112@gw.example.net", "sip:112@gw.example.net")
	f("A", "tel:112;phone-context=+31", "tel:112;phone-context=+31")
	f("A", "tel:112", "tel:112")
	f("A", "tel:+31112", "tel:112;phone-context=+31")
	f("A", "tel:+31-112;x=y", "tel:112;x=y;phone-context=+31")
	f("A", "tel:0031112;phone-context=+31", "tel:112;phone-context=+31")
	f("A", "tel:*31*+31112", "tel:112;phone-context=+31")
	f("U1", "tel:+31112", "tel:112;phone-context=+31")
	f("A", "urn:service:sos.fire", "urn:service:sos.fire")
	f("A", "sip:jan@gw.example.net", "sip:jan@gw.example.net")
	f("U1", "sip:*31*112@gw.example.net", "sip:112@gw.example.net")
	f("U1", "sip:0705550199@gw.example.net", "sip:0705550199@gw.example.net")
	f("U1", "sip:*31*0705550199@gw.example.net", "sip:*31*0705550199@gw.example.net")
	f("core", "sip:+31705550199@gw.example.net;maddr=203.0.113.9", "sip:+31705550199@gw.example.net;maddr=203.0.113.9")
	f("core", "sip:+31705550199@gw.example.net:"+r.port()+";maddr=127.0.0.1;transport=udp;x", "sip:+31705550199@gw.example.net;x")
}

func TestFirstValue(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "<sip:a>": "<sip:a>", "<sip:a>,<sip:b>": "<sip:a>", `"x,\",y" <sip:a,b>, <sip:c>`: `"x,\",y" <sip:a,b>`, "<sip:a,b": "<sip:a,b",
	} {
		if got := string(firstValue([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPlaceOf(t *testing.T) {
	for in, want := range map[string]string{
		"sip:192.0.2.1":                                     "UDP 192.0.2.1:5060",
		"sip:a@192.0.2.1:5070;transport=TCP;lr":             "TCP 192.0.2.1:5070",
		"sips:[2001:db8::1]":                                "TLS [2001:db8::1]:5061",
		"sip:example.net;transport=tls;maddr=192.0.2.2":     "TLS 192.0.2.2:5061",
		"sip:example.net":                                   "name example.net",
		"sip:example.net;transport=sctp":                    "nowhere",
		"sips:example.net;transport=udp":                    "nowhere",
		"tel:+31705550199":                                  "nowhere",
		"urn:service:sos":                                   "nowhere",
		"sip:":                                              "nowhere",
		"sip:192.0.2.1;transport=tcp;transport=udp;maddr=;": "UDP 192.0.2.1:5060",
	} {
		got := "nowhere"
		if pl, ok := placeOf([]byte(in)); ok && pl.numeric {
			got = pl.target.Net.String() + " " + pl.target.Addr.String()
		} else if ok {
			got = "name " + pl.query.Host
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
