package message

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const small = "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: q\r\nCSeq: 2 BYE\r\n"

func apply(t *testing.T, e *Edits) string {
	t.Helper()
	b, err := e.Apply([]byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	out, ok := strings.CutPrefix(string(b), "kept")
	if !ok {
		t.Fatal("dst lost")
	}
	return out
}

func TestEditOrder(t *testing.T) {
	m := mustParse(t, small+"Content-Length: 3\r\n\r\nabc")
	callID := m.First(HCallID)
	line := callID.Line
	for _, c := range []struct {
		name string
		edit func(e *Edits)
		want string // in the place of the Call-ID line
	}{
		{"nothing", func(e *Edits) {}, "Call-ID: q\r\n"},
		{"insertions keep their order", func(e *Edits) {
			e.InsertString(line.Off, "a\r\n")
			e.Insert(line.Off, []byte("b\r\n"))
		}, "a\r\nb\r\nCall-ID: q\r\n"},
		{"insertion before and behind what is removed", func(e *Edits) {
			e.InsertString(line.End, "b\r\n")
			e.Remove(line)
			e.InsertString(line.Off, "a\r\n")
		}, "a\r\nb\r\n"},
		{"inside what is removed", func(e *Edits) {
			e.ReplaceString(callID.Value, "x")
			e.InsertString(callID.Value.Off, "x")
			e.Remove(callID.Name)
			e.Remove(line)
		}, ""},
		{"inside what is replaced", func(e *Edits) {
			e.ReplaceString(line, "i: r\r\n")
			e.ReplaceString(callID.Value, "x")
		}, "i: r\r\n"},
		{"the last replacement", func(e *Edits) {
			e.ReplaceString(callID.Value, "x")
			e.Replace(callID.Value, []byte("y"))
		}, "Call-ID: y\r\n"},
		{"a removal wins", func(e *Edits) {
			e.Remove(callID.Value)
			e.ReplaceString(callID.Value, "x")
			e.Remove(callID.Value)
		}, "Call-ID: \r\n"},
		{"next to each other", func(e *Edits) {
			e.ReplaceString(callID.Value, "x")
			e.ReplaceString(callID.Name, "i")
			e.ReplaceString(Span{callID.Name.End, callID.Value.Off}, ":")
		}, "i:x\r\n"},
		{"an empty replacement inserts", func(e *Edits) {
			e.ReplaceString(Span{callID.Value.End, callID.Value.End}, "x")
			e.Remove(Span{line.Off, line.Off})
		}, "Call-ID: qx\r\n"},
		{"set", func(e *Edits) { e.Set(HCallID, "r") }, "Call-ID: r\r\n"},
	} {
		var e Edits
		e.Reset(m)
		c.edit(&e)
		if got, want := apply(t, &e), strings.Replace(string(m.Bytes()), "Call-ID: q\r\n", c.want, 1); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
		}
		if e.Message() != m {
			t.Error("message lost")
		}
	}
}

func TestEditsRefused(t *testing.T) {
	m := mustParse(t, small+"Content-Length: 3\r\n\r\nabc")
	v := m.First(HCallID).Value
	end := uint16(len(m.Bytes()))
	for _, c := range []struct {
		edit func(e *Edits)
		want error
	}{
		{func(e *Edits) { e.Remove(Span{v.Off, v.End + 2}); e.Remove(Span{v.End, v.End + 3}) }, ErrOverlap},
		{func(e *Edits) { e.ReplaceString(Span{v.Off, v.End + 1}, "x"); e.Remove(Span{v.End, v.End + 3}) }, ErrOverlap},
		{func(e *Edits) { e.Remove(Span{end - 1, end + 1}) }, ErrOutside},
		{func(e *Edits) { e.InsertString(end+1, "x") }, ErrOutside},
		{func(e *Edits) { e.ReplaceString(Span{v.End, v.Off}, "x") }, ErrOutside},
		{func(e *Edits) { e.Remove(Span{v.Off, end}) }, ErrOutside},
		{func(e *Edits) { e.Remove(Span{m.Body().Off - 2, m.Body().Off}) }, ErrOutside},
		{func(e *Edits) { e.Body(make([]byte, MaxSize)) }, ErrTooLarge},
	} {
		var e Edits
		e.Reset(m)
		c.edit(&e)
		if b, err := e.Apply([]byte("dst")); !errors.Is(err, c.want) || string(b) != "dst" {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func TestContentLength(t *testing.T) {
	for _, c := range []struct {
		name, lines, body string
		edit              func(e *Edits, m *Message)
		wantLines         string
		wantBody          string
	}{
		{"body replaced", "L : 0003\r\n", "abc", func(e *Edits, m *Message) { e.Body([]byte("0123456789")) }, "L : 10\r\n", "0123456789"},
		{"same length", "L : 0003\r\n", "abc", func(e *Edits, m *Message) { e.Body([]byte("xyz")) }, "L : 0003\r\n", "xyz"},
		{"last body counts", "L:3\r\n", "abc", func(e *Edits, m *Message) { e.Body([]byte("x")); e.Body([]byte("xy")) }, "L:2\r\n", "xy"},
		{"body of none", "L:0\r\n", "", func(e *Edits, m *Message) { e.Body([]byte("x")); e.Body([]byte("xy")) }, "L:2\r\n", "xy"},
		{"body gone", "L:3\r\n", "abc", func(e *Edits, m *Message) { e.Remove(m.Body()) }, "L:0\r\n", ""},
		{"inside the body", "L:3\r\n", "abc", func(e *Edits, m *Message) {
			e.Remove(Span{m.Body().Off, m.Body().Off + 1})
			e.InsertString(m.Body().End, "12")
		}, "L:4\r\n", "bc12"},
		{"twice", "L:3\r\nContent-Length:3\r\n", "abc", func(e *Edits, m *Message) { e.Body([]byte("x")) }, "L:1\r\nContent-Length:1\r\n", "x"},
		{"caller's own value overruled", "L:3\r\n", "abc", func(e *Edits, m *Message) {
			e.ReplaceString(m.First(HContentLength).Value, "77")
			e.Body([]byte("x"))
		}, "L:1\r\n", "x"},
		{"removed, with a body", "L:3\r\nX: y\r\n", "abc", func(e *Edits, m *Message) { e.RemoveAll(HContentLength) }, "X: y\r\nContent-Length: 3\r\n", "abc"},
		{"removed, without one", "L:0\r\nX: y\r\n", "", func(e *Edits, m *Message) { e.RemoveAll(HContentLength) }, "X: y\r\n", ""},
		{"missing, no edit", "X: y\r\n", "abc", func(e *Edits, m *Message) {}, "X: y\r\n", "abc"},
		{"missing, an edit", "X: y\r\n", "abc", func(e *Edits, m *Message) { e.BottomString("Z: z\r\n") }, "X: y\r\nZ: z\r\nContent-Length: 3\r\n", "abc"},
		{"missing, no body", "X: y\r\n", "", func(e *Edits, m *Message) { e.BottomString("Z: z\r\n") }, "X: y\r\nZ: z\r\n", ""},
		{"stream", "X: y\r\n", "", func(e *Edits, m *Message) { e.ForStream(true) }, "X: y\r\nContent-Length: 0\r\n", ""},
		{"stream, there", "l: 3\r\n", "abc", func(e *Edits, m *Message) { e.ForStream(true) }, "l: 3\r\n", "abc"},
		{"set", "l: 0\r\n", "", func(e *Edits, m *Message) { e.Set(HPrivacy, "id") }, "l: 0\r\nPrivacy: id\r\n", ""},
		{"set over several", "Privacy: a\r\nl: 0\r\nprivacy: b\r\n", "", func(e *Edits, m *Message) { e.Set(HPrivacy, "id") }, "Privacy: id\r\nl: 0\r\n", ""},
	} {
		m := mustParse(t, small+c.lines+"\r\n"+c.body)
		var e Edits
		e.Reset(m)
		c.edit(&e, m)
		if got, want := apply(t, &e), small+c.wantLines+"\r\n"+c.wantBody; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got[len(small):], want[len(small):])
		}
	}
}

func TestRemoveValues(t *testing.T) {
	for _, c := range []struct{ in, drop, want string }{
		{"a, b,c", "", "Allow: a, b,c\r\n"}, {"a, b,c", "a", "Allow: b,c\r\n"}, {"a, b,c", "b", "Allow: a,c\r\n"},
		{"a, b,c", "c", "Allow: a, b\r\n"}, {"a, b,c", "ab", "Allow: c\r\n"}, {"a, b,c", "bc", "Allow: a\r\n"},
		{"a, b,c", "ac", "Allow: b\r\n"}, {"a, b,c", "abc", ""}, {"a", "a", ""}, {",a,,b", "a", "Allow: b\r\n"}, {"", "a", "Allow: \r\n"},
	} {
		m := mustParse(t, small+"Allow: "+c.in+"\r\n\r\n")
		var e Edits
		e.Reset(m)
		e.RemoveValues(m.First(HAllow), func(s Span) bool { return strings.Contains(c.drop, string(m.Get(s))) })
		if got := apply(t, &e)[len(small):]; got != c.want+"\r\n" {
			t.Errorf("%q without %q: %q", c.in, c.drop, got)
		}
	}
}

func TestRemoved(t *testing.T) {
	m := mustParse(t, invite)
	h := m.First(HContact)
	var e Edits
	e.Reset(m)
	e.ReplaceString(h.Value, "x")
	if e.Removed(h.Value) || e.Len() != 1 {
		t.Error("replaced is not removed")
	}
	e.RemoveAll(HContact)
	if !e.Removed(h.Value) || !e.Removed(h.Line) || e.Removed(m.First(HTo).Line) {
		t.Error("removed is not seen")
	}
	e.Reset(m)
	if e.Removed(h.Line) || e.Len() != 0 || apply(t, &e) != invite {
		t.Error("not forgotten")
	}
}

// splice is the plain way to edit: from the last span to the first.
func splice(b []byte, spans []Span, texts []string) []byte {
	b = slices.Clone(b)
	for i := len(spans) - 1; i >= 0; i-- {
		b = slices.Replace(b, int(spans[i].Off), int(spans[i].End), []byte(texts[i])...)
	}
	return b
}

// TestApplyIsSplice: edits that do not overlap, in any order of calling, give what
// one by one replacement gives, but for the Content-Length.
func TestApplyIsSplice(t *testing.T) {
	const mark = "Content-Length: "
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[a-z\r\n]{0,40}`).Draw(t, "body")
		in := small + rapid.SampledFrom([]string{"", "X: y\r\n", "k: a,\r\n b\r\n"}).Draw(t, "extra") +
			mark + fmt.Sprint(len(body)) + "\r\n\r\n" + body
		m := new(Message)
		if err := m.Parse([]byte(in)); err != nil {
			t.Fatal(err)
		}
		var spans []Span
		var texts []string
		length := m.First(HContentLength).Line
		for at := 0; ; {
			off := rapid.IntRange(at, len(in)).Draw(t, "off")
			end := rapid.IntRange(off, min(len(in), off+30)).Draw(t, "end")
			s := span(off, end)
			if s.End > length.Off && s.Off < m.Body().Off || s.Off == length.Off {
				at = int(m.Body().Off)
			} else {
				spans = append(spans, s)
				texts = append(texts, rapid.StringMatching(`[A-Z]{0,8}`).Draw(t, "text"))
				at = end + 1
			}
			if at > len(in) || len(spans) == 8 {
				break
			}
		}
		want := splice([]byte(in), spans, texts)
		e := new(Edits)
		e.Reset(m)
		for _, i := range rapid.Permutation(indexes(len(spans))).Draw(t, "order") {
			e.ReplaceString(spans[i], texts[i])
		}
		got, err := e.Apply(nil)
		if err != nil {
			t.Fatal(err)
		}
		grown := len(want) - len(in)
		for i, s := range spans {
			if s.End <= length.Off {
				grown -= len(texts[i]) - s.Len()
			}
		}
		want = bytes.Replace(want, fmt.Appendf(nil, "%s%d\r\n", mark, len(body)), fmt.Appendf(nil, "%s%d\r\n", mark, len(body)+grown), 1)
		if !bytes.Equal(got, want) {
			t.Fatalf("got\n%q\nwant\n%q", got, want)
		}
		again, err := e.Apply(nil)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatal("a second Apply differs")
		}
	})
}

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
