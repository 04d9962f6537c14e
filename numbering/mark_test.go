package numbering

import "testing"

// A code that marks the last call counts when it is dialled alone; in front of anything
// else it is taken off, of 112 above all.
func TestMarkCode(t *testing.T) {
	p := dutch(t, "112")
	codes, err := NewCodeSet([]string{"*31*", "131"}, []string{"*31#"}, "*39#", "#39#")
	if err != nil {
		t.Fatal(err)
	}
	f := func(user string, c *CodeSet, mark, emergency bool, number string, e DialErr) {
		t.Helper()
		d := p.Dialled([]byte(user), c, 0)
		if d.Mark != mark || d.Emergency != emergency || spell(d.Number) != number || d.Err != e {
			t.Errorf("%q: %+v", user, d)
		}
	}
	f("*39#", codes, true, false, "", DialEmpty)
	f("*39%23", codes, true, false, "", DialEmpty)
	f("*39%23;phone-context=gw.example.net", codes, true, false, "", DialEmpty)
	f("%2A39%23", codes, true, false, "", DialEmpty)
	f("#39#", codes, true, false, "", DialEmpty)
	f("*31*", codes, false, false, "", DialEmpty)
	f("*39#*39#", codes, false, false, "", DialEmpty)
	f("*31**39#", codes, false, false, "", DialEmpty)
	f("*39#*31*", codes, false, false, "", DialEmpty)
	f("*39#0705550199", codes, false, false, "+31705550199", DialOK)
	f("*39#112", codes, false, true, "112", DialOK)
	f("*39#*31*112", codes, false, true, "112", DialOK)
	f("*39#bob", codes, false, false, "", DialNotNumber)
	f("*39", codes, false, false, "", DialNotNumber)
	f("*39#", nil, false, false, "", DialNotNumber)
	f("*39#", DefaultCodes(), false, false, "", DialNotNumber)
	for _, wrong := range [][]string{{"39"}, {""}, {"*31*"}, {"*39#", "*39#"}, {"*39x"}} {
		if _, err := NewCodeSet([]string{"*31*"}, nil, wrong...); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
