package message

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// difference is one reading on which sipgo's parser and ours do not agree; text is
// the header value (or Request-URI) both have read it from.
type difference struct{ field, text, ours, theirs string }

// sipgoFaults are the differences that are sipgo's (v1.7.2), each with its reason.
var sipgoFaults = []struct {
	name, reason string
	is           func(d difference) bool
}{
	{"method", "methods are case-sensitive (RFC 3261 7.1); sipgo writes them in capitals", func(d difference) bool {
		return d.field == "method" && strings.ToUpper(d.ours) == d.theirs
	}},
	{"spaces", "LWS around SLASH, COLON, SEMI, EQUAL and COMMA is no part of a value (RFC 3261 25.1); sipgo keeps it", func(d difference) bool {
		return squeeze(d.ours) == squeeze(d.theirs)
	}},
	{"spaced name", "a parameter is found by its name without LWS; sipgo finds none", func(d difference) bool {
		return isParam(d.field) && d.theirs == "" && spacedParam.MatchString(d.text)
	}},
	{"spaced Via", "LWS within Via (RFC 3261 20.42) throws sipgo off the host, port or parameters", func(d difference) bool {
		first, _, _ := strings.Cut(d.text, ",")
		return strings.HasPrefix(d.field, "via") && len(squeeze(first))+1 != len(first)
	}},
	{"comma in Via", "a comma ends a Via value also when it has no parameters (RFC 3261 7.3.1); sipgo reads on", func(d difference) bool {
		first, _, more := strings.Cut(d.text, ",")
		return strings.HasPrefix(d.field, "via") && more && !strings.Contains(first, ";")
	}},
	{"quoted value", "a quoted parameter value may hold separators (RFC 3261 25.1 gen-value); sipgo splits there, or loses its name", func(d difference) bool {
		return isParam(d.field) && strings.Contains(d.text[strings.LastIndexByte(d.text, '>')+1:], `"`)
	}},
	{"bracket in user", "\"[\" begins an address only in the place of the host; sipgo looks for it first", func(d difference) bool {
		user, _, at := strings.Cut(d.text, "@")
		return isURI(d.field) && at && strings.Contains(user, "[")
	}},
	{"colon in user", "the first \":\" ends the user, it cannot stand in it unescaped; sipgo takes the last", func(d difference) bool {
		return isURI(d.field) && strings.Count(d.text, ":") > 2
	}},
	{"slashes", "sip:// is no SIP URI; sipgo takes the slashes off", func(d difference) bool {
		return isURI(d.field) && strings.Contains(d.text, "://")
	}},
	{"parameter case", "parameter names come in any case (RFC 3261 7.3.1); sipgo compares them as written", func(d difference) bool {
		name := d.field[strings.IndexByte(d.field, ' ')+1:]
		return isParam(d.field) && d.theirs == "" && !strings.Contains(d.text, name+"=") && strings.Contains(strings.ToLower(d.text), name)
	}},
	{"equals in value", "the first \"=\" divides name and value; sipgo takes the last", func(d difference) bool {
		return isParam(d.field) && strings.Contains(d.ours, "=")
	}},
	{"comment in Via", "a comment is no parameter; sipgo does not know them", func(d difference) bool {
		return strings.HasPrefix(d.field, "via") && strings.Contains(d.text, "(")
	}},
	{"host of Via", "sipgo keeps IPv6 in Via without brackets, in URIs with them", func(d difference) bool {
		return d.field == "via host" && d.ours == "["+d.theirs+"]"
	}},
}

func isParam(field string) bool {
	return strings.HasSuffix(field, "tag") || field == "via branch"
}

func isURI(field string) bool {
	return strings.HasSuffix(field, "user") || strings.HasSuffix(field, "host") || strings.HasSuffix(field, "port")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

var spacedParam = regexp.MustCompile(`\s[;=]|[;=]\s`)

// differences holds m against g, both read from the same bytes.
func differences(m *Message, g sip.Message) []difference {
	var list []difference
	compare := func(field, text, ours, theirs string) {
		if ours != theirs {
			list = append(list, difference{field, text, ours, theirs})
		}
	}
	uri := func(field string, s Span, theirs sip.Uri) {
		u, ok := m.ParseURI(s)
		if !ok || u.Scheme != SIP && u.Scheme != SIPS {
			return // sipgo does not look into others
		}
		text := string(m.Get(s))
		compare(field+" user", text, string(m.Get(u.User)), theirs.User)
		compare(field+" host", text, string(m.Get(u.Host)), theirs.Host)
		compare(field+" port", text, strconv.Itoa(int(u.Port)), strconv.Itoa(theirs.Port))
	}
	address := func(field string, id HeaderID, theirs sip.Uri, params sip.HeaderParams, tag []byte) {
		h := m.First(id)
		na, _ := m.NameAddr(h.Value)
		text := string(m.Get(h.Value))
		their, _ := params.Get("tag")
		compare(field+" tag", text, string(tag), their)
		if u, ok := m.ParseURI(na.URI); ok && (u.Scheme == SIP || u.Scheme == SIPS) {
			compare(field+" user", text, string(m.Get(u.User)), theirs.User)
			compare(field+" host", text, string(m.Get(u.Host)), theirs.Host)
			compare(field+" port", text, strconv.Itoa(int(u.Port)), strconv.Itoa(theirs.Port))
		}
	}
	switch g := g.(type) {
	case *sip.Request:
		compare("kind", "", strconv.FormatBool(m.IsRequest()), "true")
		compare("method", "", string(m.MethodName()), string(g.Method))
		uri("request", m.RequestURI(), g.Recipient)
	case *sip.Response:
		compare("kind", "", strconv.FormatBool(m.IsRequest()), "false")
		compare("status", "", strconv.Itoa(m.Status()), strconv.Itoa(g.StatusCode))
		compare("reason", "", string(m.Get(m.Reason())), g.Reason)
	}
	if h := g.From(); h != nil {
		address("from", HFrom, h.Address, h.Params, m.FromTag())
	}
	if h := g.To(); h != nil {
		address("to", HTo, h.Address, h.Params, m.ToTag())
	}
	if h := g.CallID(); h != nil {
		compare("call-id", "", string(m.CallID()), string(*h))
	}
	n, _, _ := m.CSeq()
	if h := g.CSeq(); h != nil {
		compare("cseq", "", strconv.Itoa(int(n)), strconv.Itoa(int(h.SeqNo)))
		compare("cseq method", "", string(m.Get(m.cseqBy)), string(h.MethodName))
	}
	if h := g.Via(); h != nil {
		v, _ := m.TopVia()
		text := string(m.Value(HVia))
		branch, _ := h.Params.Get("branch")
		compare("via branch", text, string(v.Branch), branch)
		compare("via host", text, string(m.Get(v.Host)), h.Host)
		compare("via port", text, strconv.Itoa(int(v.Port)), strconv.Itoa(h.Port))
		compare("via transport", text, string(m.Get(v.Transport)), h.Transport)
	}
	compare("body", "", string(m.Get(m.Body())), string(g.Body()))
	return list
}

// TestSipgoFaults shows every fault listed by an example, so that the list cannot
// outlive them.
func TestSipgoFaults(t *testing.T) {
	const (
		from = "\"A, \\\"B\\\" <sip:x@y>\" <sip:+31705550100@gw.example.net>;tag=a1b2"
		via  = "192.0.2.10:5060;branch=z9hG4bKnashds8;rport"
		ruri = "sip:+31612345678@gw.example.net;user=phone"
	)
	unshown := map[string]bool{}
	for _, f := range sipgoFaults {
		unshown[f.name] = f.reason != ""
	}
	plain := edited(t, from, "<sip:a@b>;tag=a1b2")
	for name, c := range map[string]struct{ old, new string }{
		"method":          {"CSeq: 314 INVITE", "CSeq: 314 invite"},
		"spaces":          {"314 INVITE", "314  INVITE"},
		"spaced name":     {";tag=a1b2", "; tag=a1b2"},
		"spaced Via":      {via, "192.0.2.10 : 5060 ;branch=x"},
		"quoted value":    {";tag=a1b2", ";tag=a1b2;x=\"a;tag=b\""},
		"bracket in user": {ruri, "sip:[b]@example.net"},
		"colon in user":   {ruri, "sip:a:b:c@example.net"},
		"slashes":         {"To: <sip:+31612345678@", "To: <sip://+31612345678@"},
		"parameter case":  {";tag=a1b2", ";TAG=a1b2"},
		"equals in value": {";tag=a1b2", ";tag=a1=b2"},
		"comma in Via":    {via, "192.0.2.10"},
		"comment in Via":  {via, "192.0.2.10 (comment)"},
		"host of Via":     {via, "[2001:db8::1];branch=x"},
	} {
		b := strings.Replace(plain, c.old, c.new, 1)
		if name == "method" {
			b = strings.Replace(b, "INVITE sip", "invite sip", 1)
		}
		m := mustParse(t, b)
		g, err := sip.ParseMessage([]byte(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := false
		list := differences(m, g)
		for _, d := range list {
			for _, f := range sipgoFaults {
				found = found || f.name == name && f.is(d)
			}
		}
		if !found {
			t.Errorf("%s: not shown by %q: %q", name, c.new, list)
		}
		delete(unshown, name)
	}
	for name := range unshown {
		t.Errorf("%s: no example", name)
	}
}

// faultOf is the fault of sipgo's that explains d; empty when none does.
func faultOf(d difference) string {
	for _, f := range sipgoFaults {
		if f.is(d) {
			return f.name
		}
	}
	return ""
}

// checkAgainstSipgo reads b with both parsers; where both accept, they must agree.
func checkAgainstSipgo(t *testing.T, b []byte) (accepted bool) {
	t.Helper()
	var m Message
	if m.Parse(b) != nil {
		return false
	}
	head := m.buf[:m.body.Off]
	if bytes.Count(head, []byte("\n")) != bytes.Count(head, []byte("\r\n")) {
		return false // we let a lone LF end a line, sipgo does not: both may
	}
	g, err := sip.ParseMessage(bytes.Clone(m.Bytes()))
	if err != nil {
		return false
	}
	for _, d := range differences(&m, g) {
		if faultOf(d) == "" {
			t.Errorf("%s: we read %q, sipgo %q, from %q", d.field, d.ours, d.theirs, d.text)
		}
	}
	return true
}

// TestAgainstSipgo also counts, lest a change of either make it compare nothing.
func TestAgainstSipgo(t *testing.T) {
	both := 0
	for _, b := range seeds(t) {
		if checkAgainstSipgo(t, b) {
			both++
		}
	}
	if both < 40 {
		t.Errorf("only %d messages are read by both", both)
	}
}

func FuzzAgainstSipgo(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkAgainstSipgo(t, b) })
}
