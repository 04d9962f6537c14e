package privacy

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPackedTextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-zA-F]{0,80}[^a-zA-F]{0,4}`)).Draw(t, "text")
		text := []byte(strings.Join(words, ""))
		b := appendText([]byte("head"), text)
		r := reader{b: b[4:], ok: true}
		if got := r.text([]byte("x")); !r.ok || len(r.b) != 0 || !bytes.Equal(got[1:], text) {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

func FuzzReadText(f *testing.F) {
	f.Add(appendText(nil, []byte("<sip:abcdefghijklmnopqrstuvwxyzABCDEFab@192.0.2.1;lr>")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: b, ok: true}
		text := r.text(nil)
		if !r.ok {
			return
		}
		again := reader{b: appendText(nil, text), ok: true}
		if got := again.text(nil); !again.ok || !bytes.Equal(got, text) {
			t.Fatalf("%q reads back as %q", text, got)
		}
	})
}

// TestChainOfGateways: what seventy gateways seal one after the other stays a message.
func TestChainOfGateways(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	d := withheldDialog()
	id := []byte("c1@pc11.lan")
	var ids [][]byte
	for range 70 {
		ids = append(ids, id)
		id = k.MapID(nil, d, id)
		d.Target = append(append([]byte("sip:"), k.Seal(nil, d)...), "@198.51.100.1:5060"...)
	}
	if len(d.Target) > 30_000 || len(id) > maxID {
		t.Errorf("Contact of %d bytes, Call-ID of %d", len(d.Target), len(id))
	}
	for i := len(ids) - 1; i >= 0; i-- {
		plain, ok := k.UnmapID(nil, id)
		if !ok || !bytes.Equal(plain, ids[i]) {
			t.Fatalf("gateway %d: %q, want %q", i, plain, ids[i])
		}
		id = plain
	}
}
