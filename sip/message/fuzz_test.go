package message

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"clirgate/sip/message/torture"
)

// seeds are sound and faulty messages to begin with.
func seeds(t testing.TB) [][]byte {
	list := [][]byte{[]byte(invite), []byte(timingInvite), []byte(small + "\r\n")}
	for _, c := range torture.Cases {
		list = append(list, c.Data())
	}
	files, err := filepath.Glob("testdata/seeds/*.sip")
	if err != nil || len(files) == 0 {
		t.Fatal("no seeds", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

func TestSeedsParse(t *testing.T) {
	files, _ := filepath.Glob("testdata/seeds/*.sip")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		if err := new(Message).Parse(b); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// checkSpan fails for a span that is none of n bytes.
func checkSpan(t *testing.T, what string, n int, spans ...Span) {
	t.Helper()
	for _, s := range spans {
		if s.Off > s.End || int(s.End) > n {
			t.Fatalf("%s: span %v of %d bytes", what, s, n)
		}
	}
}

func checkParams(t *testing.T, m *Message, params Span) {
	t.Helper()
	checkSpan(t, "params", len(m.buf), params)
	end := params.Off
	for p := range m.Params(params) {
		checkSpan(t, "param", len(m.buf), p.Name, p.Value, p.Whole)
		if p.Whole.Off < end || !params.Contains(p.Whole) || m.buf[p.Whole.Off] != ';' || !p.Whole.Contains(p.Name) || !p.Whole.Contains(p.Value) {
			t.Fatalf("param %+v in %v", p, params)
		}
		end = p.Whole.End
	}
}

func checkNameAddr(t *testing.T, m *Message, s Span) {
	t.Helper()
	na, ok := m.NameAddr(s)
	if !ok {
		return
	}
	checkSpan(t, "address", len(m.buf), na.Display, na.URI, na.Params, na.Whole)
	if na.URI.Empty() || !s.Contains(na.URI) || !s.Contains(na.Whole) || na.Brackets != (m.buf[max(na.URI.Off, 1)-1] == '<' && na.URI.Off > 0) {
		t.Fatalf("address %+v of %v", na, s)
	}
	checkParams(t, m, na.Params)
	checkURI(t, m, na.URI)
}

func checkURI(t *testing.T, m *Message, s Span) {
	t.Helper()
	u, ok := m.ParseURI(s)
	if !ok {
		return
	}
	checkSpan(t, "uri", len(m.buf), u.User, u.Password, u.Host, u.Params, u.Headers)
	for _, part := range []Span{u.User, u.Password, u.Host, u.Params, u.Headers} {
		if !part.Empty() && !s.Contains(part) {
			t.Fatalf("part %v outside %v", part, s)
		}
	}
	if (u.Scheme == SIP || u.Scheme == SIPS) && u.Host.Empty() {
		t.Fatal("no host")
	}
	checkParams(t, m, u.Params)
	HostAddr(m.Get(u.Host))
	checkSpan(t, "hostport", len(m.buf), u.HostPort(m))
}

func FuzzParse(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		err := m.Parse(b)
		checkMessage(t, &m)
		source := netip.MustParseAddrPort("192.0.2.9:5061")
		m.AppendResponse(nil, 400, "", []byte("tag"), nil, source)
		if err != nil {
			return
		}
		checkResponse(t, &m, source)
		checkRoundTrip(t, &m)
	})
}

func checkMessage(t *testing.T, m *Message) {
	n := len(m.buf)
	checkSpan(t, "message", n, m.uri, m.name, m.body, m.fromTag, m.toTag, m.HeaderBlock())
	end := m.top
	for i := range m.headers {
		h := &m.headers[i]
		checkSpan(t, "header", n, h.Name, h.Value, h.Line)
		if h.Line.Off < end || !h.Line.Contains(h.Name) || !h.Line.Contains(h.Value) || h.Line.End > m.bottom {
			t.Fatalf("header %+v behind %d", h, end)
		}
		end = h.Line.End
		valueEnd := h.Value.Off
		for s := range m.Values(h) {
			checkSpan(t, "value", n, s)
			if s.Off < valueEnd || s.Empty() || !h.Value.Contains(s) {
				t.Fatalf("value %v of %+v", s, h)
			}
			valueEnd = s.End
			checkNameAddr(t, m, s)
			checkParams(t, m, s)
			if v, ok := m.ParseVia(s); ok {
				checkSpan(t, "via", n, v.Host, v.Transport, v.Params, v.Whole)
				checkParams(t, m, v.Params)
			}
			m.MediaType(s)
		}
	}
	checkURI(t, m, m.uri)
	m.ContentType()
	m.MaxForwards()
	m.ContentLength()
	m.CSeq()
}

// checkResponse: the response to a sound request is a sound response to it.
func checkResponse(t *testing.T, m *Message, source netip.AddrPort) {
	if !m.IsRequest() {
		return
	}
	b := m.AppendResponse(nil, 487, "", []byte("tag"), nil, source)
	var r Message
	if err := r.Parse(b); err != nil {
		t.Fatalf("%v in\n%q", err, b)
	}
	v, _ := m.TopVia()
	w, _ := r.TopVia()
	if r.Status() != 487 || !bytes.Equal(r.CallID(), m.CallID()) || !bytes.Equal(r.FromTag(), m.FromTag()) || r.Method() != m.Method() ||
		!bytes.Equal(v.Branch, w.Branch) || len(r.ToTag()) == 0 {
		t.Fatalf("not a response to it\n%q", b)
	}
}

// checkRoundTrip: without edits nothing changes, and what is written reads alike.
func checkRoundTrip(t *testing.T, m *Message) {
	var e Edits
	e.Reset(m)
	out, err := e.Apply(nil)
	if err != nil || !bytes.Equal(out, m.buf) {
		t.Fatalf("%v: changed\n%q\nto\n%q", err, m.buf, out)
	}
	var c Message
	if err := c.Parse(out); err != nil || len(c.headers) != len(m.headers) || c.body != m.body {
		t.Fatalf("reads otherwise: %v", err)
	}
	e.ForStream(true)
	e.Body([]byte("another body"))
	e.Set(HMaxForwards, "69")
	if out, err = e.Apply(nil); err != nil {
		if err == ErrTooLarge {
			return
		}
		t.Fatal(err)
	}
	if err := c.Parse(out); err != nil {
		if len(m.headers) >= MaxHeaders-1 {
			return
		}
		t.Fatalf("%v in\n%q", err, out)
	}
	mf, _ := c.MaxForwards()
	n, _ := c.ContentLength()
	if string(c.Get(c.Body())) != "another body" || mf != 69 || n != len("another body") {
		t.Fatalf("edits went astray\n%q", out)
	}
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip:a:b@[::1]:5060;lr?x=y", "tel:+31612345678;phone-context=x", "urn:service:sos", "x:y", "sips:*31*@h", "sip:%2331%23@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > MaxSize {
			return
		}
		m, h := view(s)
		checkURI(t, m, h.Value)
		u, ok := ReadURI([]byte(s))
		v, ok2 := m.ParseURI(h.Value)
		if u != v || ok != ok2 {
			t.Fatal("ReadURI differs")
		}
		if n := len(AppendUnescaped(nil, []byte(s))); n > len(s) {
			t.Fatal("longer than escaped")
		}
	})
}

func FuzzNameAddr(f *testing.F) {
	for _, s := range []string{`"A \"B\"" <sip:a@b>;tag=x`, `sip:a@b;tag=1`, `A B <tel:1>`, "<sip:a@b>\r\n ; x = \"y;\"", `*`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > MaxSize {
			return
		}
		m, h := view(s)
		checkNameAddr(t, m, h.Value)
		checkParams(t, m, h.Value)
		for v := range m.Values(h) {
			checkNameAddr(t, m, v)
		}
	})
}
