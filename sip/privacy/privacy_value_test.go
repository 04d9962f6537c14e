package privacy

import (
	"errors"
	"strings"
	"testing"

	"clirgate/rules"
	"clirgate/sip/message"
)

func withPrivacy(t testing.TB, values ...string) *message.Message {
	t.Helper()
	var b strings.Builder
	for _, v := range values {
		b.WriteString("Privacy: " + v + "\n")
	}
	return parse(t, strings.Replace(inviteA, "Contact:", b.String()+"Contact:", 1))
}

func TestPrivacyOf(t *testing.T) {
	const (
		none, id, header, user     = rules.PrivacyNone, rules.PrivacyID, rules.PrivacyHeader, rules.PrivacyUser
		session, history, critical = rules.PrivacySession, rules.PrivacyHistory, rules.PrivacyCritical
		unknown, malformed         = rules.PrivacyUnknown, rules.PrivacyMalformed
	)
	for _, c := range []struct {
		lines  []string
		want   rules.Privacy
		raises bool
	}{
		{nil, rules.PrivacyAbsent, false},
		{[]string{"none"}, none, false},
		{[]string{"id"}, id, true},
		{[]string{"ID"}, id, true},
		{[]string{"header"}, header, true},
		{[]string{"user"}, user, true},
		{[]string{"session"}, session, false},
		{[]string{"history"}, history, false},
		{[]string{"critical"}, critical, false},
		{[]string{"session;critical"}, session | critical, false},
		{[]string{"user;header;id;history"}, user | header | id | history, true},
		{[]string{"id,user"}, id | user, true},
		{[]string{"id ; user"}, id | user, true},
		{[]string{"id", "user"}, id | user, true},
		{[]string{"full"}, unknown, true},
		{[]string{""}, malformed, true},
		{[]string{"id;"}, id | malformed, true},
		{[]string{"id;id"}, id | malformed, true},
		{[]string{"history", "history"}, history | malformed, true},
		{[]string{"none;id"}, none | id | malformed, true},
		{[]string{"none", "id"}, none | id | malformed, true},
		{[]string{"none;critical"}, none | critical | malformed, true},
		{[]string{"none;id", "Full, ID"}, none | id | unknown | malformed, true},
	} {
		m := withPrivacy(t, c.lines...)
		if got := PrivacyOf(m); got != c.want {
			t.Errorf("%q: %b, want %b", c.lines, got, c.want)
		}
		if got := Raises(m); got != c.raises {
			t.Errorf("%q raises: %v", c.lines, got)
		}
	}
}

func TestCritical(t *testing.T) {
	for _, c := range []struct {
		method, privacy, want string
		class                 rules.Class
	}{
		{"INVITE", "session;critical", "session", rules.N},
		{"INVITE", "id;session;critical", "session", rules.W},
		{"INVITE", "xyz;critical", "xyz", rules.W},
		{"INVITE", "critical;xyz;Session", "xyz, Session", rules.W},
		{"INVITE", "x\"y;critical", "", rules.W},
		{"UPDATE", "session;critical", "session", rules.N},
		{"INVITE", "id;critical", "none", rules.W},
		{"INVITE", "history;critical", "none", rules.N},
		{"INVITE", "session", "none", rules.N},
		{"INVITE", "session;critical", "none", rules.E},
		{"INVITE", "xyz;critical", "none", rules.E},
		{"ACK", "session;critical", "none", rules.N},
		{"BYE", "session;critical", "none", rules.N},
	} {
		m := parse(t, strings.ReplaceAll(string(withPrivacy(t, c.privacy).Bytes()), "INVITE", c.method))
		_, err := run(t, initial(m, c.class, toU1))
		var critical *ErrCritical
		got := "none"
		if errors.As(err, &critical) {
			got = critical.Names
		} else if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.method, c.privacy, got, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "xyz") {
			t.Errorf("error text %q holds the message's words", err)
		}
	}
}

func TestAnonymousFrom(t *testing.T) {
	for _, c := range []struct {
		from string
		want bool
	}{
		{`"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a`, true},
		{`<sip:x@ANONYMOUS.invalid>;tag=a`, true},
		{`sip:Anonymous@gw.example.net;tag=a`, true},
		{`<sip:%61nonymous@gw.example.net>;tag=a`, true},
		{`"Anonymous" <sip:+31205550101@gw.example.net>;tag=a`, false},
		{`<sip:anonymous.jan@gw.example.net>;tag=a`, false},
		{`<tel:+31205550101>;tag=a`, false},
	} {
		m := parse(t, strings.Replace(inviteA, `From: "Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1`, "From: "+c.from, 1))
		if got := AnonymousFrom(m); got != c.want {
			t.Errorf("%s: %v", c.from, got)
		}
	}
}

func TestHashes(t *testing.T) {
	if PeerHash("a") != 0xe40c292c || TagHash([]byte("foobar")) != 0xbf9cf968 { // FNV-1a test vectors
		t.Errorf("%x %x", PeerHash("a"), TagHash([]byte("foobar")))
	}
}

func TestRemotePartyRestricts(t *testing.T) {
	f := func(headers string, want bool) {
		t.Helper()
		m := parse(t, strings.Replace(inviteA, "Contact:", headers+"Contact:", 1))
		if got := RemotePartyRestricts(m); got != want {
			t.Errorf("%q: %v", headers, got)
		}
	}
	const rpid = "Remote-Party-ID: \"x;privacy=full\" <sip:+31205550101@x;privacy=full>"
	f("", false)
	f(rpid+"\n", false)
	f(rpid+";party=calling;privacy=off\n", false)
	f(rpid+";party=called;privacy=full\n", false)
	f(rpid+";party=calling;privacy=full\n", true)
	f(rpid+";Privacy=\"URI\"\n", true)
	f(rpid+";privacy=off, <sip:a@b>;privacy=name\n", true)
	f("Remote-Party-ID: <sip:a@b\n", true)
}
