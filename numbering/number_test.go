package numbering

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumberRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{1,15}`).Draw(rt, "digits")
		kind := rapid.SampledFrom([]Kind{International, Short}).Draw(rt, "kind")
		n := New(kind, []byte(digits))
		if n.Kind() != kind || n.Len() != len(digits) || string(n.Append(nil)) != digits {
			rt.Fatalf("%s reads back otherwise", digits)
		}
	})
	for _, bad := range []string{"", "1234567890123456", "12a", "+31"} {
		if New(International, []byte(bad)) != 0 {
			t.Errorf("%q: taken", bad)
		}
	}
}

// However a Number is printed, its digits are not.
func TestNumberIsRedacted(t *testing.T) {
	n := New(International, []byte("31205550101"))
	holder := struct{ N Number }{n}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s", "%q", "%08b", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", n, n)
		fmt.Fprintf(&out, verb+"\n", holder, &holder)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "n", n, "holder", holder, "map", map[Number]int{n: 1})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "n", n, "holder", holder)
	_ = json.NewEncoder(&out).Encode(map[Number]Number{n: n})
	for _, needle := range []string{"5550101", fmt.Sprint(uint64(n)), fmt.Sprintf("%x", uint64(n)), fmt.Sprintf("%x", 31205550101)} {
		if strings.Contains(out.String(), needle) {
			t.Errorf("%q is in:\n%s", needle, &out)
		}
	}
}

func TestNational(t *testing.T) {
	p := dutch(t)
	f := func(text, national, nsn string) {
		t.Helper()
		n := p.ParseText(text)
		if got := string(p.National(n, nil)); got != national {
			t.Errorf("%s: national %q, want %q", text, got, national)
		}
		if got := string(p.NSN(n, []byte("x"))); got != "x"+nsn {
			t.Errorf("%s: significant %q, want %q", text, got, nsn)
		}
	}
	f("+31705550199", "0705550199", "705550199")
	f("+13125550100", "0013125550100", "3125550100")
	f("+35312345678", "0035312345678", "12345678")
	f("+4930123456", "004930123456", "30123456")
	f("112", "112", "112")
	f("14020", "14020", "14020")
}

func TestParseText(t *testing.T) {
	p := dutch(t)
	for text, want := range map[string]string{
		"+31 (0)70 555 01 99": "+31705550199", " 070 - 555 01 99 ": "+31705550199", "tel:+31-70-5550199": "+31705550199",
		"TEL:0705550199;phone-context=+31": "+31705550199", "sip:0705550199@gw.example.net;user=phone": "+31705550199",
		"+31\u00a070\u2011555\u20110199": "+31705550199", "0031705550199": "+31705550199", "070/555 01 99": "+31705550199",
		"06-12345678": "+31612345678", "": "", "alice": "", "0800-CLIRGATE": "", "*31*0705550199": "", "sip:alice@x": "",
	} {
		n := p.ParseText(text)
		if got := spell(n); n == 0 && want != "" || n != 0 && got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPossibleAndFormat(t *testing.T) {
	p := dutch(t)
	for text, want := range map[string]bool{"+31705550199": true, "+3170555": false, "14020": true, "1122": false, "+13125550100": true, "+31800040212": false, "+318000402": true} {
		if got := p.Possible(p.ParseText(text)); got != want {
			t.Errorf("possible %s: %t", text, got)
		}
	}
	if p.Valid(p.ParseText("+31112555010")) || !p.Valid(p.ParseText("+31205550101")) || !p.Valid(p.ParseText("116111")) {
		t.Error("validity")
	}
	if got := p.Format(p.ParseText("0705550199")); got != "+31 70 555 0199" {
		t.Errorf("format %q", got)
	}
	if got := p.Format(p.ParseText("112")); got != "112" {
		t.Errorf("format %q", got)
	}
}

// A home country whose plan only phonenumbers knows.
func TestOtherCountries(t *testing.T) {
	f := func(country, user, want string) {
		t.Helper()
		p, err := NewPlan(country, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second from the cache
			if got := spell(p.Dialled([]byte(user), DefaultCodes(), 0).Number); got != want {
				t.Errorf("%s %q: %q, want %q", country, user, got, want)
			}
		}
	}
	f("DE", "030123456", "+4930123456")
	f("DE", "*31*0031705550199", "+31705550199")
	f("GB", "02079460018", "+442079460018")
	f("US", "13125550100", "+13125550100")
	f("US", "01131705550199", "+31705550199")
	f("NO", "22123456", "+4722123456")
	f("GB", "999", "999")
	f("DE", "4", "4")

	gb, _ := NewPlan("GB", nil)
	for _, e := range []string{"999", "112", "+44999", "*31*112"} {
		if !gb.Dialled([]byte(e), DefaultCodes(), 0).Emergency {
			t.Errorf("GB %s: no emergency", e)
		}
	}
	if got := string(gb.National(gb.ParseText("+442079460018"), nil)); got != "02079460018" {
		t.Errorf("GB national %q", got)
	}
	if gb.Country() != "GB" || !gb.IsHome(gb.ParseText("+442079460018")) || gb.IsHome(gb.ParseText("+31705550199")) {
		t.Error("GB home")
	}
	user := []byte("02079460018")
	if n := testing.AllocsPerRun(100, func() { gb.Dialled(user, nil, 0) }); n != 0 {
		t.Errorf("cached lookup: %v allocations", n)
	}
}

func TestRanges(t *testing.T) {
	r, err := NewRanges([]string{"+3161234", "+31612345", "+3120", "+3170555019"})
	if err != nil {
		t.Fatal(err)
	}
	p := dutch(t)
	for text, want := range map[string]bool{
		"+31612340000": true, "+31612349999": true, "+31612350000": false, "+31205550101": true, "+31705550199": true, "+31705550189": false,
		"112": false, "+3161234": true, "+316123": false, "+32012345678": false,
	} {
		if got := r.Contains(p.ParseText(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	if (Ranges{}).Contains(p.ParseText("+31612340000")) || !(Ranges{}).Empty() || r.Empty() {
		t.Error("the empty Ranges")
	}
	n := p.ParseText("+31612340000")
	if a := testing.AllocsPerRun(100, func() { r.Contains(n) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
	for _, bad := range []string{"", "+", "0612", "+31x", "+1234567890123456"} {
		if _, err := NewRanges([]string{bad}); err == nil {
			t.Errorf("%q: taken", bad)
		}
	}
}

// Contains is what comparing digit by digit says.
func TestRangesProperty(t *testing.T) {
	digits := rapid.StringMatching(`[0-2]{1,5}`)
	rapid.Check(t, func(rt *rapid.T) {
		prefixes := rapid.SliceOfN(digits, 0, 6).Draw(rt, "prefixes")
		number := digits.Draw(rt, "number")
		want, plus := false, make([]string, len(prefixes))
		for i, x := range prefixes {
			plus[i] = "+" + x
			want = want || strings.HasPrefix(number, x)
		}
		r, err := NewRanges(plus)
		if err != nil {
			rt.Fatal(err)
		}
		if got := r.Contains(New(International, []byte(number))); got != want {
			rt.Fatalf("%v contains %s: %t", plus, number, got)
		}
	})
}
