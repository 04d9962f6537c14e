package message

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"clirgate/sip/message/torture"
)

// tortureFaults says what Parse finds in the messages that are not to be forwarded
// or answered later by the proxy.
var tortureFaults = map[string]Fault{
	"badinv01": BadVia, "clerr": ShortBody, "ncl": BadContentLength, "scalar02": BadCSeq,
	"scalarlg": BadCSeq, "quotbal": BadAddress, "ltgtruri": BadRequestURI,
	"lwsruri": BadRequestURI, "lwsstart": BadStartLine, "trws": BadStartLine,
	"badaspec": BadAddress, "baddn": BadAddress,
	"badvers": BadVersion, "mismatch01": WrongCSeqMethod, "mismatch02": UnknownMethod,
	"bigcode": BadStatus, "insuf": MissingHeader, "multi01": RepeatedHeader,
	"mcl01": BadContentLength, "ipv6-bad": BadRequestURI,
}

// byProxy are the messages that are well-formed and refused for what they ask.
var byProxy = []string{"unkscm", "novelsc", "bext01", "zeromf", "unreason", "noreason", "bcast"}

func TestTorture(t *testing.T) {
	for _, c := range torture.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var m Message
			var got ParseError
			if err := m.Parse(c.Data()); err != nil {
				got = err.(ParseError)
			}
			want := tortureFaults[c.Name]
			if got.Fault != want {
				t.Fatalf("got %v, want %v", got, want)
			}
			switch {
			case want == NoFault:
				if c.Outcome != torture.Forward && !slices.Contains(byProxy, c.Name) {
					t.Fatal("accepted")
				}
			case c.Outcome == torture.Reject:
				if !m.Answerable() || !slices.Contains(c.Status, got.Status()) {
					t.Fatalf("answerable %v, status %d", m.Answerable(), got.Status())
				}
			default:
				if m.Answerable() {
					t.Fatal("would be answered")
				}
			}
			if m.Answerable() {
				checkAnswer(t, &m)
			}
		})
	}
}

// checkAnswer builds a response and reads it again: as sound as the request was in
// what the response copies.
func checkAnswer(t *testing.T, m *Message) {
	b := m.AppendResponse(nil, 400, "", []byte("own"), nil, netip.MustParseAddrPort("127.0.0.9:5999"))
	var r Message
	err := r.Parse(b)
	copied := []Fault{BadVia, BadCSeq, BadAddress, MissingHeader}
	if err != nil && !slices.Contains(copied, m.err.Fault) {
		t.Errorf("%v in\n%s", err, b)
	}
	if r.Status() != 400 || !bytes.Equal(r.CallID(), m.CallID()) {
		t.Errorf("bad response\n%s", b)
	}
}

func parseTorture(t *testing.T, name string) *Message {
	t.Helper()
	for _, c := range torture.Cases {
		if c.Name == name {
			m := new(Message)
			if err := m.Parse(c.Data()); err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	t.Fatal("no such case")
	return nil
}

func TestShortTortuousInvite(t *testing.T) { // RFC 4475 3.1.1.1
	m := parseTorture(t, "wsinv")
	via, _ := m.TopVia()
	route, _ := m.NameAddr(m.First(HRoute).Value)
	contact, _ := m.NameAddr(m.First(HContact).Value)
	q, _, _ := m.Param(contact.Params, "Q")
	newparam, _, _ := m.Param(contact.Params, "newparam")
	_, _, second := m.Param(contact.Params, "secondparam")
	from, _ := m.NameAddr(m.First(HFrom).Value)
	n, method, _ := m.CSeq()
	mf, _ := m.MaxForwards()
	uri, _ := m.ParseURI(m.RequestURI())
	for i, c := range []struct{ got, want any }{
		{string(m.ToTag()), "1918181833n"}, {string(m.FromTag()), "98asjd8"},
		{string(m.Get(from.Display)), `"J Rosenberg \\\""`},
		{string(AppendUnquoted(nil, m.Get(from.Display))), `J Rosenberg \"`},
		{string(m.Get(from.URI)), "sip:jdrosen@example.com"},
		{mf, 68}, {n, uint32(9)}, {method, INVITE}, {m.Body().Len(), 150},
		{string(via.Branch), "390skdjuw"}, {string(m.Get(via.Host)), "192.0.2.2"}, {string(m.Get(via.Transport)), "UDP"},
		{string(m.Get(route.URI)), "sip:services.example.com;lr;unknownwith=value;unknown-no-value"},
		{string(m.Get(contact.Display)), `"Quoted string \"\""`},
		{string(m.Get(q)), "0.33"}, {string(m.Get(newparam)), "newvalue"}, {second, true},
		{string(m.Get(uri.User)), "vivekg"}, {string(m.Get(uri.Params)), ";unknownparam"},
		{m.Has(HSubject), true}, {len(m.Value(HSubject)), 0},
	} {
		if c.got != c.want {
			t.Errorf("%d: got %v, want %v", i, c.got, c.want)
		}
	}
	var branches []string
	for _, s := range m.ValuesOf(HVia) {
		v, ok := m.ParseVia(s)
		if !ok {
			t.Error("Via unreadable")
		}
		branches = append(branches, string(v.Branch))
	}
	if got := strings.Join(branches, " "); got != "390skdjuw z9hG4bK9ikj8 z9hG4bK30239" {
		t.Error(got)
	}
}

func TestTortureValues(t *testing.T) {
	uri := func(name string) (*Message, URI) {
		m := parseTorture(t, name)
		u, ok := m.ParseURI(m.RequestURI())
		if !ok {
			t.Error(name, "unreadable")
		}
		return m, u
	}
	m, u := uri("intmeth")
	if got := string(m.Get(u.User)); got != "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*" {
		t.Error(got)
	}
	if got := string(m.Get(u.Password)); got != "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)" {
		t.Error(got)
	}
	if m.Method() != MethodOther || string(m.FromTag()) != "_token~1'+`*%!-." {
		t.Error("method or tag")
	}
	m, u = uri("semiuri")
	if got := string(AppendUnescaped(nil, m.Get(u.User))); got != "user;par=u@example.net" {
		t.Error(got)
	}
	m, u = uri("esc01")
	if got := string(AppendUnescaped(nil, m.Get(u.User))); u.Scheme != SIP || got != "sips:user@example.com" {
		t.Error(got)
	}
	contact, _ := m.NameAddr(m.First(HContact).Value)
	u, _ = m.ParseURI(contact.URI)
	if _, _, ok := m.URIParam(u.Params, "lr"); !ok {
		t.Error("escaped lr not found")
	}
	if m = parseTorture(t, "esc02"); m.Method() != MethodOther || m.Headers()[6].ID != HContact || m.Headers()[7].ID != HOther {
		t.Error("escapes seen where there are none")
	}
	if m = parseTorture(t, "dblreq"); m.Method() != REGISTER || bytes.Contains(m.Bytes(), []byte("INVITE")) {
		t.Error("octets behind the body kept")
	}
	m, u = uri("port-ambiguous")
	if string(m.Get(u.Host)) != "[2001:db8::10:5070]" || u.Port != 0 {
		t.Error("port inside the brackets")
	}
	m, u = uri("port-unambiguous")
	if string(m.Get(u.Host)) != "[2001:db8::10]" || u.Port != 5070 || string(m.Get(u.HostPort(m))) != "[2001:db8::10]:5070" {
		t.Error("port outside the brackets")
	}
	m, u = uri("ipv6-bug-abnf-3-colons")
	m2, u2 := uri("ipv6-correct-abnf-2-colons")
	if !EqualHost(m.Get(u.Host), m2.Get(u2.Host)) {
		t.Error("three colons are two")
	}
	for _, name := range []string{"via-received-param-with-delim", "via-received-param-no-delim"} {
		m = parseTorture(t, name)
		v, _ := m.TopVia()
		received, _, _ := m.Param(v.Params, "received")
		if a, ok := HostAddr(m.Get(received)); !ok || a != netip.MustParseAddr("2001:db8::9:255") {
			t.Error(name, a)
		}
	}
}
