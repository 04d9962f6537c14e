package e2e

import (
	"strings"
	"testing"
)

// 112 in every spelling, from every kind of caller, whatever they and their user agents
// did to hide, and whatever of ours is broken: it arrives, and shows the number that the
// network knows.
func TestEmergencyFromEveryone(t *testing.T) {
	callers := []struct {
		name, from, number string
		headers            []string // instead of "From: ..."
	}{
		{"ordinary", "A", "+31205550101", []string{"From: <sip:+31205550101@gw.example.net>;tag=a1"}},
		{"permanent", "P", "+31205550102", []string{"From: <sip:+31205550102@gw.example.net>;tag=a1", "Privacy: id;critical"}},
		{"restricted", "R", "+31205550103", []string{"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a1", "Privacy: header;user;id"}},
		{"of a trusted carrier", "T1", "+31305550144", []string{"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a1",
			"P-Asserted-Identity: <sip:+31305550144@carrier.example>", "Privacy: id"}},
		{"of an interconnect", "U1", "", []string{"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a1", "Privacy: id"}},
	}
	uris := []string{"sip:112@gw.example.net", "sip:*31*112@gw.example.net", "sip:131112@gw.example.net;user=phone",
		"sip:%2331%23112@gw.example.net", "sip:+31112@gw.example.net;user=phone", "sip:0031112@gw.example.net", "tel:112;phone-context=+31",
		"urn:service:sos", "urn:service:sos.fire"}
	for _, flags := range []string{"", "rules-down", "records-down"} {
		r := newRig(t, "PS", flags)
		psap := r.ua("PS")
		for i, c := range callers {
			from := r.ua(c.from)
			for j, uri := range uris {
				if (c.from == "T1" || c.from == "U1") && (strings.Contains(uri, "31*") || strings.Contains(uri, "131112") || strings.Contains(uri, "%23")) {
					continue // codes mean nothing there (STANDARDS 4.4)
				}
				t.Run(flags+" "+c.name+" "+uri, func(t *testing.T) {
					id := "e" + itoa(i) + "x" + itoa(j)
					from.send(r.gw, crlf("INVITE "+uri+" SIP/2.0\nVia: SIP/2.0/UDP "+from.addr()+";branch=z9hG4bK"+id+";rport\nMax-Forwards: 70\n"+
						strings.Join(c.headers, "\n")+"\nTo: <"+uri+">\nCall-ID: "+id+"\nCSeq: 1 INVITE\nContact: <sip:x@"+from.host()+">\nContent-Length: 0\n"))
					got := psap.request("INVITE")
					if got.get("Call-ID") != id {
						t.Errorf("Call-ID %q", got.get("Call-ID"))
					}
					absent(t, got, "Privacy")
					if c.number != "" && (!strings.Contains(got.get("From"), c.number) || !strings.Contains(got.get("P-Asserted-Identity"), c.number)) {
						t.Errorf("From %q, P-Asserted-Identity %q", got.get("From"), got.get("P-Asserted-Identity"))
					}
					if strings.Contains(got.uri(), "31*") || strings.Contains(got.uri(), "%23") {
						t.Errorf("Request-URI %q", got.uri())
					}
					psap.send(r.gw, answer(got, "486 Busy Here", "p"))
					from.next("486", func(m sipMsg) bool { return m.status() == 486 && m.get("Call-ID") == id })
				})
			}
		}
		r.stop()
		for _, u := range r.uas {
			u.close()
		}
	}
}
