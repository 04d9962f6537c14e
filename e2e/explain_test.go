package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"clirgate/admin"
)

// explanation is what the API said of a request before it was sent; nil: it could not be
// asked, for tokens are kept where the rules are, which that vector takes away.
type explanation struct {
	*admin.Explanation
	unrecorded bool // there are no records to hold it against
}

// explain asks the running gateway what it would do with a vector's message.
func (r *rig) explain(t *testing.T, v vector, from *ua, sent sipMsg) explanation {
	t.Helper()
	if strings.Contains(v.flags, "rules-down") {
		return explanation{}
	}
	q := admin.Question{Source: "udp:" + from.addr(), Message: sent.raw}
	if !utf8.ValidString(sent.raw) {
		q.Message, q.Raw = "", []byte(sent.raw)
	}
	body, err := json.Marshal(q)
	must(t, err)
	var e admin.Explanation
	r.ask("POST", "/v1/explain", body, &e)
	return explanation{&e, strings.Contains(v.flags, "records-down")}
}

// ask asks the admin API as a NOC engineer; v may be nil. It answers the body.
func (g *running) ask(method, path string, body []byte, v any) string {
	g.t.Helper()
	req, err := http.NewRequest(method, g.admin+path, bytes.NewReader(body))
	must(g.t, err)
	req.Header.Set("Authorization", "Bearer "+g.nocToken())
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	must(g.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(g.t, err)
	if res.StatusCode != 200 {
		g.t.Fatalf("%s: %s %s", path, res.Status, data)
	}
	if v != nil {
		must(g.t, json.Unmarshal(data, v))
	}
	return string(data)
}

// refused holds the explanation against the gateway's own answer.
func (e explanation) refused(t *testing.T, reply sipMsg) {
	t.Helper()
	if e.Explanation == nil {
		return
	}
	if e.Answer == nil || e.Message.After != nil || e.Next != nil || fmt.Sprintf("SIP/2.0 %d %s", e.Answer.Status, e.Answer.Reason) != reply.start {
		t.Errorf("explained %+v, answered %q", e.Answer, reply.start)
	}
}

// sent holds the explanation against what the next hop got: where it went, why, and every
// byte of it.
func (e explanation) sent(t *testing.T, sent, got sipMsg, to *ua, recorded func() record) {
	t.Helper()
	if e.Explanation == nil {
		return
	}
	if e.Message.After == nil || e.Next == nil || e.Decision == nil {
		t.Fatalf("explained as not sent: %+v", e.Answer)
	}
	if e.Next.Address != to.addr() {
		t.Errorf("explained as sent to %s, came to %s", e.Next.Address, to.addr())
	}
	after := *e.Message.After
	if e.Message.Raw != nil {
		after = string(e.Message.Raw)
	}
	if where := differs(sent.raw, after, got.raw); where != "" {
		t.Errorf("%s\nexplained\n%s\nsent\n%s", where, after, got.raw)
	}
	if !e.unrecorded {
		e.treatment(t, recorded())
	}
}

// treatment holds class, rule and steps against what was recorded of the call.
func (e explanation) treatment(t *testing.T, rec record) {
	t.Helper()
	if rec.Found && (e.Decision.Class != rec.Class || e.Decision.Rule != rec.Rule) {
		t.Errorf("explained as class %s by rule %s, recorded %s by %s", e.Decision.Class, e.Decision.Rule, rec.Class, rec.Rule)
	}
	fired := false
	for _, s := range e.Steps {
		fired = fired || s.Fired && s.Rule == e.Decision.Rule
	}
	if !fired {
		t.Errorf("no step says that rule %s fired: %+v", e.Decision.Rule, e.Steps)
	}
}

// made is what the gateway makes of its own in a message: branches, mapped Call-IDs and
// tags, sealed tokens. They come from a key and the call's ID, both new for every
// explanation (else an explanation would open real calls), and are written in letters that
// nothing else in a message has so many of in a row.
var made = regexp.MustCompile(`[a-zA-F]{13,}`)

// origin is the two numbers of an SDP session that the gateway made (o=, STANDARDS 6.7):
// new for every call likewise, and not always of one length.
var origin = regexp.MustCompile(`(?m)^o=- (\d+ \d+) IN`)

// plainly is a message without these: the numbers of the origin are "#", and
// Content-Length, which must be right, does not count them.
func plainly(m string) string {
	head, body, _ := strings.Cut(m, "\r\n\r\n")
	var numbers int
	for _, o := range origin.FindAllStringSubmatch(body, -1) {
		numbers += len(o[1])
	}
	length := fmt.Sprintf("\r\nContent-Length: %d", len(body))
	head = strings.Replace(head, length, fmt.Sprintf("\r\nContent-Length: %d, right", len(body)-numbers), 1)
	return made.ReplaceAllString(head+"\r\n\r\n"+origin.ReplaceAllString(body, "o=- # IN"), "#")
}

// differs compares two messages that the same request became, byte for byte; only what the
// gateway made may differ, identifiers in their letters only: not in length or place, and
// not in which of them are the same. It says where they differ, "" for nowhere.
func differs(received, a, b string) string {
	if plainly(a) != plainly(b) {
		return "other bytes"
	}
	here, there := made.FindAllString(a, -1), made.FindAllString(b, -1)
	ab, ba := map[string]string{}, map[string]string{}
	for i, x := range here {
		y := there[i]
		if len(x) != len(y) {
			return fmt.Sprintf("%q is longer or shorter than %q", x, y)
		}
		if x != y && (strings.Contains(received, x) || strings.Contains(received, y)) {
			return fmt.Sprintf("%q was received, and is %q", x, y)
		}
		if was, ok := ab[x]; ok && was != y {
			return fmt.Sprintf("%q is %q and %q", x, was, y)
		}
		if was, ok := ba[y]; ok && was != x {
			return fmt.Sprintf("%q is %q and %q", y, was, x)
		}
		ab[x], ba[y] = y, x
	}
	return ""
}

func TestDiffers(t *testing.T) {
	const one, two = "abcdefghijklmn", "nmlkjihgfedcba"
	for _, c := range []struct {
		received, a, b string
		same           bool
	}{
		{"", "x:" + one, "x:" + two, true},
		{"", "x:" + one, "y:" + two, false},
		{"", "x:" + one, "x:" + two + "a", false},
		{one, "x:" + one, "x:" + two, false},
		{"", "a\r\nContent-Length: 13\r\n\r\no=- 10 1 IN a", "a\r\nContent-Length: 12\r\n\r\no=- 9 1 IN a", true},
		{"", "a\r\nContent-Length: 13\r\n\r\no=- 10 1 IN a", "a\r\nContent-Length: 13\r\n\r\no=- 9 1 IN a", false},
		{"", "a\r\n\r\no=- 10 1 IN a", "a\r\n\r\no=- 10 1 IN b", false},
		{"", one + " " + one, two + " " + two, true},
		{"", one + " " + one, two + " " + one, false},
		{"", one + " " + two, one + " " + one, false},
	} {
		if got := differs(c.received, c.a, c.b); (got == "") != c.same {
			t.Errorf("%q and %q: %q", c.a, c.b, got)
		}
	}
}

// A NOC engineer never learns from the API who a withheld caller is: not from what he can
// look at, and not by having a message explained that came out of a real call.
func TestNOCNeverSeesWithheldCallers(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.withheld(t, "1")
	clean := func(what, text string) {
		t.Helper()
		if w := c.line.leak(text); w != "" {
			t.Errorf("%s tells who called (%s):\n%s", what, w, text)
		}
	}
	for _, path := range []string{"/v1/status", "/v1/peers", "/v1/nodes", "/v1/changes", "/v1/jobs", "/v1/whoami", "/metrics", "/v1/subscribers:export?format=jsonl"} {
		text := r.ask("GET", path, nil, nil)
		if path == "/v1/peers" { // the addresses of neighbours are no secret, numbers are
			text = strings.ReplaceAll(text, r.line("A").words[0], "")
		}
		clean(path, text)
	}
	for _, m := range []sipMsg{
		c.got, // as the callee's side has it: its identifiers are sealed
		mustParse(t, strings.Replace(c.got.raw, "Content-Length", "Replaces: "+c.got.get("Call-ID")+";to-tag=a;from-tag="+tag(c.got.get("From"))+"\r\nTarget-Dialog: "+c.got.get("Call-ID")+"\r\nRoute: <"+target(c.got.get("Contact"))+";lr>\r\nContent-Length", 1)),
		mustParse(t, strings.Replace(c.got.raw, c.got.uri(), target(c.got.get("Contact")), 1)),
	} {
		body, err := json.Marshal(admin.Question{Peer: "U1", Message: m.raw})
		must(t, err)
		text := r.ask("POST", "/v1/explain", body, nil)
		clean("explain", strings.ReplaceAll(text, r.line("A").words[0], ""))
	}
	c.byeFromCaller(c.a.hop())
}
