package numbering

import (
	"testing"

	"pgregory.net/rapid"
)

func dutch(t testing.TB, emergency ...string) *Plan {
	t.Helper()
	p, err := NewPlan("NL", emergency)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spell writes a Number as the tests expect it: "+31..." or bare short digits.
func spell(n Number) string { return string(n.AppendDial(nil)) }

func TestDialled(t *testing.T) {
	p := dutch(t)
	all, fixed, mobile := DefaultCodes(), FixedCodes(), MobileCodes()
	const called = "+31705550199"
	type want struct {
		number            string
		withhold, present bool
		codes, skip       int
		emergency         bool
		err               DialErr
	}
	for _, c := range []struct {
		user  string
		codes *CodeSet
		form  Form
		want  want
	}{
		// spellings of the number alone
		{"0705550199", all, 0, want{number: called}},
		{"+31705550199", all, 0, want{number: called}},
		{"0031705550199", all, 0, want{number: called}},
		{"070-555-01-99", all, 0, want{number: called}},
		{"070.555(01)99", all, Tel, want{number: called}},
		{"%30705550199", all, 0, want{number: called}},
		{"070%20555%200199", all, 0, want{number: called}},
		{"070/5550199", all, Phone, want{number: called}},
		{"070/5550199", all, 0, want{err: DialNotNumber}},
		{"+31(0)705550199", all, Tel, want{number: called}},
		{"0705550199;isub=1411;ext=2", all, Phone, want{number: called}},
		{"0705550199;phone-context=+31", all, Tel, want{number: called}},
		{"705550199;phone-context=+31", all, Tel, want{number: called}},
		{"5550199;ext=1;Phone-Context=+31-70", all, Tel, want{number: called}},
		{"5550199;phone-context=%2B3170", all, Tel, want{number: called}},
		{"0705550199;phone-context=gw.example.net", all, DialString, want{number: called}},
		{"0705550199:secret", all, 0, want{number: called}},
		{"0301234567;phone-context=+49", all, Tel, want{number: "+49301234567"}},
		{"3125550100;phone-context=+1", all, Tel, want{number: "+13125550100"}},
		{"0031705550199;phone-context=+49", all, Tel, want{number: called}},
		{"31705550199", all, BareCountry, want{number: called}},
		{"31705550199", all, 0, want{number: "31705550199"}},
		{"0080012345678", all, 0, want{number: "+80012345678"}},

		// codes (TV02 to TV08, TV51, TV53)
		{"*31*0705550199", all, 0, want{number: called, withhold: true, codes: 1, skip: 4}},
		{"%2A31%2a0705550199", fixed, Phone, want{number: called, withhold: true, codes: 1, skip: 8}},
		{"1310705550199", all, Phone, want{number: called, withhold: true, codes: 1, skip: 3}},
		{"%2331%230705550199", all, Phone, want{number: called, withhold: true, codes: 1, skip: 8}},
		{"%2331%230705550199", fixed, Phone, want{number: called, withhold: true, codes: 1, skip: 8}},
		{"*31%230705550199", all, Phone, want{number: called, present: true, codes: 1, skip: 6}},
		{"*31%230705550199", mobile, 0, want{number: called, present: true, codes: 1, skip: 6}},
		{"*31%230705550199", fixed, 0, want{number: called, codes: 1, skip: 6}},
		{"*31*0705550199", mobile, 0, want{number: called, withhold: true, codes: 1, skip: 4}},
		{"131*31*0705550199", all, 0, want{number: called, withhold: true, codes: 2, skip: 7}},
		{"*31%23*31*0705550199", all, 0, want{number: called, withhold: true, present: true, codes: 2, skip: 10}},
		{"*31*131*31*1310705550199", all, 0, want{number: called, withhold: true, codes: 4, skip: 14}},
		{"*31**31**31**31*0705550199", all, 0, want{number: called, withhold: true, codes: 4, skip: 16}},
		{"*31**31**31**31**31*0705550199", all, 0, want{withhold: true, codes: 5, skip: 20, err: DialTooManyCodes}},
		{"%2A31%2A0705550199;phone-context=gw.example.net", all, DialString, want{number: called, withhold: true, codes: 1, skip: 8}},
		{"*31*0705550199;phone-context=+31", all, Tel, want{number: called, withhold: true, codes: 1, skip: 4}},
		{"%2331%23070-555-01-99;phone-context=gw.example.net", all, Tel, want{number: called, withhold: true, codes: 1, skip: 8}},
		{"*31*+31705550199", all, Phone, want{number: called, withhold: true, codes: 1, skip: 4}},
		{"*31*0031705550199", all, 0, want{number: called, withhold: true, codes: 1, skip: 4}},
		{"*31*-(070)5550199", all, 0, want{number: called, withhold: true, codes: 1, skip: 6}},
		{"131+31705550199", all, 0, want{number: called, withhold: true, codes: 1, skip: 3}},
		{"*31*", all, 0, want{withhold: true, codes: 1, skip: 4, err: DialEmpty}},
		{"*31*;phone-context=+31", all, Tel, want{withhold: true, codes: 1, skip: 4, err: DialEmpty}},
		{"*31*alice", all, 0, want{withhold: true, codes: 1, skip: 4, err: DialNotNumber}},
		{"*31*0705550199", nil, 0, want{err: DialNotNumber}},
		{"1310705550199", nil, 0, want{number: "1310705550199"}},

		// the traps of 131 and 16xx
		{"13125550100", all, 0, want{number: "13125550100"}},
		{"+13125550100", all, 0, want{number: "+13125550100"}},
		{"+1310705550199", all, 0, want{number: "+1310705550199"}},
		{"131", all, 0, want{number: "131"}},
		{"13114020", all, 0, want{number: "14020", withhold: true, codes: 1, skip: 3}},
		{"1311850", all, 0, want{number: "1850", withhold: true, codes: 1, skip: 3}},
		{"131131alice", all, 0, want{err: DialNotNumber}},
		{"13113125550100", all, 0, want{number: "13113125550100"}},
		{"16125550100", all, 0, want{number: "16125550100"}},

		// short numbers stay local
		{"14020", all, 0, want{number: "14020"}},
		{"140113", all, Phone, want{number: "140113"}},
		{"116111", all, 0, want{number: "116111"}},
		{"113", all, 0, want{number: "113"}},
		{"08000402", all, 0, want{number: "+318000402"}},

		// emergency (STANDARDS 0.4)
		{"112", all, 0, want{number: "112", emergency: true}},
		{"112", nil, 0, want{number: "112", emergency: true}},
		{"+31112", all, 0, want{number: "112", emergency: true}},
		{"0031112", all, 0, want{number: "112", emergency: true}},
		{"1-1-2", all, Tel, want{number: "112", emergency: true}},
		{"%31%31%32", all, 0, want{number: "112", emergency: true}},
		{"112;phone-context=+49", all, Tel, want{number: "112", emergency: true}},
		{"112;phone-context=example.com", all, Tel, want{number: "112", emergency: true}},
		{"*31*112", fixed, 0, want{number: "112", withhold: true, codes: 1, skip: 4, emergency: true}},
		{"131112", fixed, Phone, want{number: "112", withhold: true, codes: 1, skip: 3, emergency: true}},
		{"*31*131112", all, 0, want{number: "112", withhold: true, codes: 2, skip: 7, emergency: true}},
		{"%2331%23*31*112", all, 0, want{number: "112", withhold: true, codes: 2, skip: 12, emergency: true}},
		{"*31*+31112", all, 0, want{number: "112", withhold: true, codes: 1, skip: 4, emergency: true}},
		{"*31**31**31**31**31*112", all, 0, want{number: "112", withhold: true, codes: 5, skip: 20, emergency: true}},
		{"*31*112", nil, 0, want{number: "112", withhold: true, codes: 1, skip: 4, emergency: true}},
		{"1620112", all, 0, want{number: "112", emergency: true}},
		{"+31112555010", all, 0, want{number: "+31112555010"}},
		{"112555010", all, 0, want{number: "112555010"}},
		{"1122", all, 0, want{number: "1122"}},
		{"0112", all, 0, want{number: "0112"}},
		{"0900-8844", all, 0, want{number: "+319008844"}},
		{"112alice", all, 0, want{err: DialNotNumber}},

		// no numbers
		{"", all, 0, want{err: DialNotNumber}},
		{"alice", all, 0, want{err: DialNotNumber}},
		{"%2531", all, 0, want{err: DialNotNumber}},
		{"07055%5", all, 0, want{err: DialNotNumber}},
		{"+", all, 0, want{err: DialNotNumber}},
		{"07055*50199", all, 0, want{err: DialNotNumber}},
		{"0705550199012345", all, 0, want{err: DialNotNumber}},
		{"+1234567890123456", all, 0, want{err: DialNotNumber}},
	} {
		d := p.Dialled([]byte(c.user), c.codes, c.form)
		got := want{spell(d.Number), d.Withhold, d.Present, d.Codes, d.Skip, d.Emergency, d.Err}
		if d.Number == 0 {
			got.number = ""
		}
		if got != c.want {
			t.Errorf("%q form %d:\n got %+v\nwant %+v", c.user, c.form, got, c.want)
		}
	}
}

func TestCarrierSelect(t *testing.T) {
	p, codes := dutch(t), DefaultCodes()
	f := func(user string, carrier uint16, withhold bool, out string) {
		t.Helper()
		d := p.Dialled([]byte(user), codes, 0)
		if d.CarrierSelect != carrier || d.Withhold != withhold || spell(d.Number) != "+31705550199" {
			t.Errorf("%q: carrier %d, withhold %t, number %q", user, d.CarrierSelect, d.Withhold, spell(d.Number))
		}
		if got := string(d.AppendUser(nil, []byte(user))); got != out {
			t.Errorf("%q: goes on as %q, want %q", user, got, out)
		}
	}
	f("16200705550199", 1620, false, "16200705550199")
	f("*31*16200705550199", 1620, true, "16200705550199")
	f("1620*31*0705550199", 1620, true, "16200705550199")
	f("13116200705550199", 1620, true, "16200705550199")
	f("16201310705550199", 1620, true, "16200705550199")
	f("*31*0705550199;phone-context=x", 0, true, "0705550199;phone-context=x")
	f("0705550199", 0, false, "0705550199")
}

func TestConfiguredEmergencyNumbers(t *testing.T) {
	p := dutch(t, "112", "0881234112", "+31205550112", "199")
	f := func(user string, want bool) {
		t.Helper()
		if got := p.Dialled([]byte(user), FixedCodes(), 0).Emergency; got != want {
			t.Errorf("%q: emergency %t", user, got)
		}
	}
	f("+31881234112", true)
	f("0881234112", true)
	f("*31*0031881234112", true)
	f("0205550112", true)
	f("199", true)
	f("+31199", true)
	f("131199", true)
	f("0881234113", false)
	f("1990", false)
	if _, err := NewPlan("NL", []string{"one one two"}); err == nil {
		t.Error("a name was taken as an emergency number")
	}
	if _, err := NewPlan("XX", nil); err == nil {
		t.Error("XX was taken as a country")
	}
}

func TestEmergencyURN(t *testing.T) {
	p := dutch(t)
	for urn, want := range map[string]bool{
		"urn:service:sos": true, "URN:Service:SOS": true, "urn:service:sos.police": true, "urn:service:sos.ecall.manual": true,
		"urn:service:sos;x=y": true,
		"urn:service:sosa":    false, "urn:service:so": false, "urn:service:counseling": false, "urn:service:test.sos": false, "": false,
	} {
		if got := p.EmergencyURN([]byte(urn)); got != want {
			t.Errorf("%q: %t", urn, got)
		}
	}
}

func TestNewCodeSetRefuses(t *testing.T) {
	for _, c := range [][2][]string{
		{{""}, nil}, {{"*31x"}, nil}, {{"*31*", "*31*"}, nil}, {{"*31*"}, {"*31*"}}, {{"031"}, nil}, {{"*31*31*31*"}, nil},
	} {
		if _, err := NewCodeSet(c[0], c[1]); err == nil {
			t.Errorf("%q, %q: taken", c[0], c[1])
		}
	}
}

// Whatever stands around it, a code never survives: behind Skip no code is left,
// and what the user part goes on as reads as the same number without any.
func TestNoCodeSurvives(t *testing.T) {
	p := dutch(t)
	parts := []string{"*31*", "131", "#31#", "*31#", "%2331%23", "%2A31%2a", "*31%23", "1620", "-", "(", "070", "5550199", "+31", "112", "14020", "a", ";x", "00"}
	sets := []*CodeSet{DefaultCodes(), FixedCodes(), MobileCodes()}
	rapid.Check(t, func(rt *rapid.T) {
		var user []byte
		for range rapid.IntRange(0, 8).Draw(rt, "parts") {
			user = append(user, rapid.SampledFrom(parts).Draw(rt, "part")...)
		}
		checkNoCodeSurvives(rt, p, rapid.SampledFrom(sets).Draw(rt, "codes"), user)
	})
}

func checkNoCodeSurvives(t interface{ Fatalf(string, ...any) }, p *Plan, codes *CodeSet, user []byte) {
	d := p.Dialled(user, codes, 0)
	if d.Skip < 0 || d.Skip > len(user) || (d.Codes == 0) != (d.Skip == 0) {
		t.Fatalf("%q: %d codes, skip %d", user, d.Codes, d.Skip)
	}
	if d.Emergency && d.Err != DialOK || (d.Number == 0) == (d.Err == DialOK) {
		t.Fatalf("%q: number %t, emergency %t, error %v", user, d.Number != 0, d.Emergency, d.Err)
	}
	if again := p.Dialled(user[d.Skip:], codes, 0); again.Codes != 0 {
		t.Fatalf("%q: %d codes survive behind %d bytes", user, again.Codes, d.Skip)
	}
	out := d.AppendUser(nil, user)
	again := p.Dialled(out, codes, 0)
	if again.Codes != 0 && d.Err == DialOK {
		t.Fatalf("%q goes on as %q, with a code", user, out)
	}
	// A carrier prefix is one only in front of a dialable number, so what was no
	// number of the plan may read otherwise behind it.
	if d.Number.Kind() == International && (again.Number != d.Number || again.CarrierSelect != d.CarrierSelect) {
		t.Fatalf("%q goes on as %q and reads otherwise", user, out)
	}
}

func FuzzDialled(f *testing.F) {
	for _, s := range []string{"*31*0705550199", "1310705550199", "%2331%23070-555-01-99;phone-context=+31", "1620*31*112", "+31112", "%", "*31*:x"} {
		f.Add([]byte(s), uint8(0))
	}
	p := dutch(f)
	codes := DefaultCodes()
	f.Fuzz(func(t *testing.T, user []byte, form uint8) {
		checkNoCodeSurvives(t, p, codes, user)
		p.Dialled(user, nil, Form(form))
		n := p.Parse(user, Form(form))
		if n.Kind() == International && p.Parse(n.AppendDial(nil), 0) != n {
			t.Fatalf("%q: reads otherwise from its E.164 form", user)
		}
	})
}

func TestDialledDoesNotAllocate(t *testing.T) {
	p, codes := dutch(t), DefaultCodes()
	users := [][]byte{[]byte("*31*1620070-555-01-99;phone-context=+31"), []byte("1310705550199"), []byte("alice"), []byte("*31*112")}
	var sink Dialled
	if n := testing.AllocsPerRun(100, func() {
		for _, u := range users {
			sink = p.Dialled(u, codes, Phone)
			sink = p.Dialled(u, nil, Phone)
			p.Parse(u, Phone)
			p.EmergencyURN(u)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = sink
}
