package privacy

import (
	"strings"
	"testing"

	"clirgate/numbering"
)

func TestReadCallerIdentity(t *testing.T) {
	const network, generic = "31205550101", "31205550102"
	known := func(digits string) numbering.Number {
		if digits == "" {
			return 0
		}
		return number(digits)
	}
	f := func(body, named, shown string, want bool) {
		t.Helper()
		id, ok := ReadCallerIdentity(info(t, "INFO", "Content-Type: application/vnd.etsi.mcid+xml\r\n", body), homePlan())
		if ok != want || ok && (id.Network != known(named) || id.Generic != known(shown)) {
			t.Errorf("%.80q: %t", body, ok)
		}
	}
	response := func(inner string) string { return "<mcid><response>" + inner + "</response></mcid>" }
	f(response("<OrigPartyIdentity>sip:+31205550101@x;user=phone</OrigPartyIdentity>"), network, "", true)
	f(response("<McidResponseIndicator>1</McidResponseIndicator><OrigPartyIdentity> tel:+31-20-5550101 </OrigPartyIdentity><GenericNumber>0205550102</GenericNumber>"), network, generic, true)
	f(`<?xml version="1.0" encoding="UTF-8"?><a:mcid xmlns:a="u">`+"\n<a:response><a:GenericNumber>sip:0205550102@x</a:GenericNumber></a:response></a:mcid>\n", "", generic, true)
	f(response("<McidResponseIndicator>0</McidResponseIndicator><OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>"), "", "", false)
	f(response("<OrigPartyIdentity>sip:jan@x</OrigPartyIdentity>"), "", "", false)
	f(response("<OrigPartyIdentity>mailto:0205550101</OrigPartyIdentity>"), "", "", false)
	f("<mcid><request><OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity></request></mcid>", "", "", false)
	f("<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>", "", "", false)
	f("", "", "", false)
	f("tel:+31205550101", "", "", false)
	f(response("<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>")+"<", "", "", false)
	f("<mcid><response><OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>", "", "", false)
	f(`<!DOCTYPE mcid [<!ENTITY n "+31205550101">]>`+response("<OrigPartyIdentity>&n;</OrigPartyIdentity>"), "", "", false)
	f(response(strings.Repeat("<x>", 20)+strings.Repeat("</x>", 20)), "", "", false)
	f(response(strings.Repeat("<x/>", 100)+"<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>"), "", "", false)
	f(response("<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>"+strings.Repeat(" ", 5000)), "", "", false)
	f(`<?xml version="1.0" encoding="UTF-16"?>`+response("<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>"), "", "", false)

	mixed := info(t, "INFO", "Content-Type: multipart/mixed;boundary=x\r\n", "--x\r\nContent-Type: application/vnd.etsi.mcid+xml\r\n\r\n"+response("<OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity>")+"\r\n--x--\r\n")
	if _, ok := ReadCallerIdentity(mixed, homePlan()); ok {
		t.Error("an answer that is not the whole body was read")
	}
}

// An answer is read or not, never half: whatever is in it, nothing breaks.
func FuzzReadCallerIdentity(f *testing.F) {
	f.Add("<mcid><response><OrigPartyIdentity>tel:+31205550101</OrigPartyIdentity></response></mcid>")
	f.Add("<mcid><response><GenericNumber>sip:0205550102;phone-context=+31@x;user=phone</GenericNumber></response></mcid>")
	f.Add("</mcid><response><![CDATA[x]]>")
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 2*maxAnswer {
			return
		}
		id, ok := ReadCallerIdentity(info(t, "INFO", "Content-Type: application/vnd.etsi.mcid+xml\r\n", body), homePlan())
		if ok && (id == CallerIdentity{} || len(body) > maxAnswer) {
			t.Fatalf("%q: read, and nothing in it", body)
		}
	})
}
