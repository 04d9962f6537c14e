package privacy

import (
	"bytes"
	"math/bits"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/numbering"
	"clirgate/rules"
)

func number(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

// plainDialog is what a Record-Route of an ordinary call holds, withheldDialog what
// the Contact of a withheld one holds.
func plainDialog() *Dialog {
	d := bornAt(epoch, 1)
	d.Class, d.Holder = rules.N, Caller
	d.CallerPeer, d.CalleePeer, d.CallerTag = 0x12345678, 0x9abcdef0, 7
	d.CallerNumbers = [2]numbering.Number{number("31205550101"), number("31205550101")}
	return d
}

func withheldDialog() *Dialog {
	d := plainDialog()
	d.Class, d.Holder, d.CallerWithheld = rules.W, Callee, true
	d.HasSDP, d.SDPVersion = true, 3890844526
	d.Self = []byte(`"Jan Jansen" <sip:+31205550101@gw.example.net>`)
	d.Peer = []byte("<sip:*31*0705550199@gw.example.net>")
	d.Target = []byte("sip:+31205550101@192.0.2.11:5060")
	d.Routes = []byte("<sip:192.0.2.1;lr>")
	return d
}

func TestSealOpen(t *testing.T) {
	k := MemoryKeys(maxCall, epoch.Add(-time.Hour))
	for name, want := range map[string]*Dialog{"plain": plainDialog(), "withheld": withheldDialog(), "empty": bornAt(epoch, 0)} {
		token := k.Seal([]byte("x"), want)
		if token[0] != 'x' || !LooksSealed(token[1:]) {
			t.Errorf("%s: token %q", name, token)
		}
		got := *withheldDialog() // what was there before must go
		if err := k.Open(&got, token[1:], epoch.Add(maxCall)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !sameDialog(&got, want) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func sameDialog(a, b *Dialog) bool {
	x, y := *a, *b
	for _, d := range []*Dialog{&x, &y} {
		for _, f := range []*[]byte{&d.Self, &d.Peer, &d.Target, &d.Routes} {
			if len(*f) == 0 {
				*f = nil
			}
		}
	}
	return reflect.DeepEqual(x, y)
}

func TestTokenLength(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	f := func(d *Dialog, atMost int) {
		t.Helper()
		if n := len(k.Seal(nil, d)); n > atMost {
			t.Errorf("%d letters, want at most %d", n, atMost)
		}
	}
	f(plainDialog(), 90)
	callerHeld := plainDialog() // the caller's side of a withheld call: no addresses
	callerHeld.Class, callerHeld.CallerWithheld = rules.W, true
	callerHeld.CallerNumbers[1] = number("31205550109")
	callerHeld.CalleeNumbers[0] = number("31705550199")
	callerHeld.HasSDP, callerHeld.SDPVersion = true, 3890844526
	f(callerHeld, 120)
	f(withheldDialog(), 320)
}

func TestOpenRefuses(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	d := withheldDialog()
	token := k.Seal(nil, d)
	var got Dialog
	f := func(name string, token []byte, now time.Time, want error) {
		t.Helper()
		if err := k.Open(&got, token, now); err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("good", token, epoch, nil)
	f("at the last moment", token, epoch.Add(maxCall), nil)
	f("too late", token, epoch.Add(maxCall+time.Millisecond), ErrExpired)
	f("empty", nil, epoch, ErrForeign)
	f("one letter", token[:1], epoch, ErrForeign)
	f("cut", token[:len(token)-1], epoch, ErrForeign)
	f("longer", append(bytes.Clone(token), 'a'), epoch, ErrForeign)
	f("a number", []byte("+31205550101"), epoch, ErrForeign)
	f("mapped identifier", k.MapID(nil, d, bytes.Repeat([]byte("x"), 100)), epoch, ErrForeign)
	f("other ring", MemoryKeys(maxCall, epoch).Seal(nil, d), epoch, ErrForeign)
	f("huge", bytes.Repeat([]byte("a"), maxToken+1), epoch, ErrForeign)
	f("upper case", bytes.ToUpper(token), epoch, ErrForeign)
	for i := range token {
		for b := range 5 {
			bad := bytes.Clone(token)
			bad[i] = letters[letterValue[bad[i]]^1<<b]
			if err := k.Open(&got, bad, epoch); err != ErrForeign {
				t.Fatalf("letter %d with bit %d changed: %v", i, b, err)
			}
		}
	}
}

func TestLooksSealed(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	for user, want := range map[string]bool{
		string(k.Seal(nil, bornAt(epoch, 1))):                                   true,
		string(k.MapID(nil, bornAt(epoch, 1), []byte(strings.Repeat("x", 99)))): false,
		"": false, "alice": false, "+31205550101": false, "anonymous": false,
		strings.Repeat("a", minToken):          true,
		strings.Repeat("a", minToken-1):        false,
		strings.Repeat("a", minToken-1) + "1":  false,
		strings.Repeat("a", minToken-1) + "\n": false,
	} {
		if LooksSealed([]byte(user)) != want {
			t.Errorf("%.20q: want %v", user, want)
		}
	}
}

func drawDialog(t *rapid.T) *Dialog {
	num := rapid.Custom(func(t *rapid.T) numbering.Number {
		if rapid.Bool().Draw(t, "none") {
			return 0
		}
		digits := rapid.StringMatching(`[0-9]{1,15}`).Draw(t, "digits")
		kind := rapid.SampledFrom([]numbering.Kind{numbering.International, numbering.Short}).Draw(t, "kind")
		return numbering.New(kind, []byte(digits))
	})
	text := rapid.SliceOfN(rapid.Byte(), 0, 200)
	d := bornAt(epoch, rapid.Byte().Draw(t, "id"))
	d.Class = rules.Class(rapid.IntRange(0, 3).Draw(t, "class"))
	d.CallerWithheld, d.CalleeWithheld = rapid.Bool().Draw(t, "caller"), rapid.Bool().Draw(t, "callee")
	d.ScrubMedia, d.HasSDP = rapid.Bool().Draw(t, "scrub"), rapid.Bool().Draw(t, "sdp")
	d.Holder = Side(rapid.IntRange(0, 2).Draw(t, "holder"))
	d.CallerPeer, d.CalleePeer, d.CallerTag = rapid.Uint32().Draw(t, "p"), rapid.Uint32().Draw(t, "q"), rapid.Uint32().Draw(t, "tag")
	d.CallerNumbers = [2]numbering.Number{num.Draw(t, "n0"), num.Draw(t, "n1")}
	d.CalleeNumbers = [2]numbering.Number{num.Draw(t, "n2"), num.Draw(t, "n3")}
	if d.HasSDP {
		d.SDPVersion = rapid.Uint64().Draw(t, "version")
	}
	d.Self, d.Peer, d.Target, d.Routes = text.Draw(t, "self"), text.Draw(t, "peer"), text.Draw(t, "target"), text.Draw(t, "routes")
	return d
}

func TestTokenRoundTrip(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	var reused Dialog
	rapid.Check(t, func(t *rapid.T) {
		d := drawDialog(t)
		token := k.Seal(nil, d)
		if !lettersOnly(token) {
			t.Fatalf("token %q", token)
		}
		if err := k.Open(&reused, token, epoch); err != nil || !sameDialog(&reused, d) {
			t.Fatalf("%v: got %+v, want %+v", err, reused, *d)
		}
		i := rapid.IntRange(0, len(token)-1).Draw(t, "letter")
		token[i] = letters[letterValue[token[i]]^1<<rapid.IntRange(0, 4).Draw(t, "bit")]
		if err := k.Open(&reused, token, epoch); err != ErrForeign {
			t.Fatalf("changed at %d: %v", i, err)
		}
	})
}

func TestMapID(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	d := bornAt(epoch, 1)
	mapped := k.MapID([]byte("x"), d, []byte("0205550101-7"))[1:]
	if !lettersOnly(mapped) || len(mapped) > 60 {
		t.Errorf("%d letters: %q", len(mapped), mapped)
	}
	if !bytes.Equal(k.MapID(nil, d, []byte("0205550101-7")), mapped) {
		t.Error("not the same twice")
	}
	if got, ok := k.UnmapID([]byte("x"), mapped); !ok || string(got) != "x0205550101-7" {
		t.Errorf("%q %v", got, ok)
	}
	for _, foreign := range []string{"", "a", "ab", "a1", "0205550101-7@192.0.2.11", string(mapped[:len(mapped)-1]),
		string(mapped) + "a", string(k.Seal(nil, d)), string(MemoryKeys(maxCall, epoch).MapID(nil, d, []byte("a1"))),
		strings.Repeat("i", 3*maxID)} {
		if got, ok := k.UnmapID([]byte("x"), []byte(foreign)); ok || string(got) != "x" {
			t.Errorf("%.30q unmaps to %q", foreign, got)
		}
	}
}

// TV25: two calls with the same identifiers share no token of 8 characters or more.
func TestMappedIdentifiersShareNothing(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	seen := map[string]bool{}
	for call := range 200 {
		d := bornAt(epoch, byte(call))
		for _, id := range []string{"0205550101-7", "0205550101-1763890000@192.0.2.11"} {
			mapped := k.MapID(nil, d, []byte(id))
			for i := range len(mapped) - 7 {
				part := string(mapped[i : i+8])
				if seen[part] {
					t.Fatalf("%q comes twice", part)
				}
				seen[part] = true
			}
		}
	}
}

func TestMapIDRoundTrip(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	rapid.Check(t, func(t *rapid.T) {
		d := bornAt(epoch, rapid.Byte().Draw(t, "call"))
		id := rapid.SliceOfN(rapid.Byte(), 0, 150).Draw(t, "id")
		mapped := k.MapID(nil, d, id)
		if got, ok := k.UnmapID(nil, mapped); !ok || !bytes.Equal(got, id) || !lettersOnly(mapped) {
			t.Fatalf("%q %v from %q", got, ok, mapped)
		}
		i := rapid.IntRange(0, len(mapped)-1).Draw(t, "letter")
		mapped[i] = letters[letterValue[mapped[i]]^1<<rapid.IntRange(0, 4).Draw(t, "bit")]
		if _, ok := k.UnmapID(nil, mapped); ok {
			t.Fatalf("changed at %d unmaps", i)
		}
	})
}

func TestLetters(t *testing.T) {
	if len(letters) != 32 {
		t.Fatal(len(letters))
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		text := appendLetters(nil, b)
		got, ok := readLetters(nil, text)
		if !ok || !bytes.Equal(got, b) {
			t.Fatalf("%q: %x %v", text, got, ok)
		}
		// The padding is fixed: no second text means the same bytes.
		if pad := 5*len(text) - 8*len(b); pad > 0 {
			text[len(text)-1] = letters[letterValue[text[len(text)-1]]|byte(bits.Len8(1<<pad)>>1)&1]
			if text2 := appendLetters(nil, b); !bytes.Equal(text, text2) {
				if _, ok := readLetters(nil, text); ok {
					t.Fatalf("%q is read although %q is written", text, text2)
				}
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	k := MemoryKeys(maxCall, epoch)
	good := k.Seal(nil, withheldDialog())
	f.Add([]byte(nil))
	f.Add(bytes.Repeat([]byte("a"), minToken))
	f.Add(good)
	var d Dialog
	f.Fuzz(func(t *testing.T, token []byte) {
		if err := k.Open(&d, token, epoch); err == nil && !bytes.Equal(token, good) {
			t.Errorf("%q opens", token)
		}
		// The plain form is read without sealing too: no input may harm it.
		if readDialog(&d, token) {
			var again Dialog
			if !readDialog(&again, appendDialog(nil, &d)) || !sameDialog(&d, &again) {
				t.Errorf("%x is not what it was", token)
			}
		}
	})
}

func FuzzUnmapID(f *testing.F) {
	k := MemoryKeys(maxCall, epoch)
	good := k.MapID(nil, bornAt(epoch, 1), []byte("a1"))
	f.Add([]byte(nil))
	f.Add([]byte("ibcd"))
	f.Add(good)
	f.Fuzz(func(t *testing.T, mapped []byte) {
		if _, ok := k.UnmapID(nil, mapped); ok && !bytes.Equal(mapped, good) {
			t.Errorf("%q unmaps", mapped)
		}
	})
}
