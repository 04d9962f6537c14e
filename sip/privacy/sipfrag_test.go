package privacy

import (
	"testing"

	"clirgate/sip/message"
)

func TestSipfrag(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: message/sipfrag;version=2.0\r\n", body), colTW)
		if err != nil || bodyOfMessage(m) != want {
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	f("SIP/2.0 100 Trying", "SIP/2.0 100 Trying\r\n")
	f("SIP/2.0 486 Jan Jansen is in de vergadering\r\nContact: <sip:+31205550101@x>\r\n", "SIP/2.0 486 Busy Here\r\n")
	f("SIP/2.0 200", "SIP/2.0 200 "+message.Phrase(200)+"\r\n")
	f("SIP/2.0 2005550101", "")
	f("SIP/2.0 020 x", "")
	f("SIP/2.0 999 x", "")
	f("SIP/2.0 -12 x", "")
	f("From: <sip:jan@x>\r\n", "")
}
