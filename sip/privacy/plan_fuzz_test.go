package privacy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clirgate/rules"
	"clirgate/sip/message"
)

// FuzzPlan: whatever parses can be planned and applied in every column and both directions,
// and what leaves parses; on W towards U no line that is not on the list.
func FuzzPlan(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, in, _, _ := goldenParts(string(b))
		f.Add([]byte(crlf(in)), byte(0))
	}
	request := parse(f, inviteA)
	f.Fuzz(func(t *testing.T, b []byte, how byte) {
		m := new(message.Message)
		if m.Parse(b) != nil {
			return
		}
		for _, class := range []rules.Class{rules.N, rules.W, rules.E} {
			for _, next := range []Hop{toU1, toT1, toPS} {
				tr := initial(m, class, next)
				tr.Call.CalleeWithheld, tr.Asserts, tr.Screen = how&1 != 0, how&2 != 0, how&4 != 0
				tr.Initial, tr.ToSkip, tr.Skip = how&8 == 0, int(how>>6), int(how>>6)
				if how&16 != 0 || !m.IsRequest() {
					tr.Sender = Callee
				}
				if how&32 != 0 {
					tr.Dialog.Self, tr.Dialog.Peer = []byte("<sip:self@a.example>"), []byte("<sip:peer@b.example>")
				}
				if !m.IsRequest() {
					tr.Request = request
				}
				fuzzOne(t, tr)
			}
		}
	})
}

func fuzzOne(t *testing.T, tr *Transit) {
	var e message.Edits
	e.Reset(tr.M)
	tr.Row = func(h *message.Header, a Action, why string) {}
	if err := Plan(&e, tr); err != nil {
		if tr.Call.Class == rules.E {
			t.Fatalf("refused an emergency call: %v", err)
		}
		return
	}
	out, err := e.Apply(nil)
	if err == message.ErrTooLarge {
		return
	}
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if tr.M.IsRequest() { // the proxy's Via
		line, rest, _ := bytes.Cut(out, []byte("\n"))
		out = append(append(append(line[:len(line):len(line)], '\n'), gatewayVia...), rest...)
	}
	var got message.Message
	// Of a response that only the gateway's Via had, nothing is left to send it to.
	if err := got.Parse(out); err != nil && !strings.Contains(err.Error(), "Via") {
		t.Fatalf("what leaves does not parse: %v\n%q\nfrom\n%q", err, out, tr.M.Bytes())
	}
	uw := tr.Call.Class == rules.W && tr.Sender == Caller && !tr.Next.Trusted
	for i := range got.Headers() {
		h := &got.Headers()[i]
		if long := strings.ToLower(h.ID.String()); uw && !allowed[long] {
			t.Fatalf("%q leaves towards U\n%q", got.Get(h.Line), out)
		}
	}
}
