package privacy

import (
	"strings"
	"testing"

	"clirgate/rules"
)

// TestShaped: of the headers that may stay towards U on W, what is as its grammar has it
// stays, and nothing else.
func TestShaped(t *testing.T) {
	f := func(line string, stays bool) {
		t.Helper()
		m := parse(t, strings.Replace(inviteA, "Content-Length:", line+"\nContent-Length:", 1))
		name, _, _ := strings.Cut(line, ":")
		if got := len(lines(out(t, initial(m, rules.W, toU1)), name)) > 0; got != stays {
			t.Errorf("%q stays: %t", line, got)
		}
	}
	for _, line := range []string{
		"Session-Expires: 1800", "Session-Expires: 1800;refresher=uac", "x: 90 ; Refresher = UAS", "Min-SE: 90", "Expires: 3600", "RSeq: 776655", "RAck: 776656 1 INVITE",
		"MIME-Version: 1.0", "Priority: non-urgent", "P-Early-Media: supported, gated", "Refer-Sub: false", "Require: 100rel, precondition", "Event: presence",
		"Event: presence.winfo", "o: refer;id=93809", "Subscription-State: active;expires=60", "Subscription-State: terminated;reason=noresource;retry-after=9",
		"Reason: Q.850;cause=16", "SIP-ETag: dx200xyz", "Alert-Info: <urn:alert:source:external>", "History-Info: <sip:bob@far.example>;index=1",
	} {
		f(line, true)
	}
	for _, line := range []string{
		"Session-Expires: 1800;refresher=pc11.lan", "x: pc11.lan", "Session-Expires: 1800;x=y", "Min-SE: 90;x=pc11", "Expires: soon", "RSeq: 1 pc11", "RAck: 1 pc11 INVITE",
		"MIME-Version: 1.0 (pc11.lan)", "Priority: pc11", "P-Early-Media: supported, pc11.lan", "Refer-Sub: pc11", "Content-Encoding: pc11", "Require: 100rel, pc11.lan",
		"Event: pc11.lan", "Subscription-State: active;reason=pc11", "Subscription-State: active;pc11", "Reason: pc11;cause=16", "SIP-ETag: <pc11>",
		"Alert-Info: <urn:alert:pc11.lan>", "Alert-Info: <urn:alert:source:pc11.lan>",
		"History-Info: \"０２０５５５０１０１\" <sip:bob@far.example>;index=1", "History-Info: <sip:020\u200b5550101@far.example>;index=1", `History-Info: "0\2\0\5550101" <sip:bob@far.example>;index=1`,
	} {
		f(line, false)
	}
}

func TestObscure(t *testing.T) {
	for text, want := range map[string]bool{
		"<sip:bob@far.example;x=%20%41>": false, "100%": false, "%zz": false, "": false,
		"%2530205550101": true, "%EF%BC%90205550101": true, "٠٢٠": true, `0\2`: true, "a\u00adb": true,
	} {
		if obscure([]byte(text)) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
