package e2e

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// outcome is what one run of a vector produced, for its expectations to be held against.
type outcome struct {
	sent   sipMsg  // as the sender sent it
	got    *sipMsg // as the egress got it; nil: nothing came
	reply  *sipMsg // what the sender got when the call was refused
	record func() record
	log    *logBuffer
	line   line // the withheld party, for the oracle
	gw     string
}

// check holds one expectation line against the outcome.
func (o outcome) check(t *testing.T, expectation string) {
	t.Helper()
	word, rest, _ := strings.Cut(expectation, " ")
	ok := false
	switch word {
	case "reply":
		ok = o.reply != nil && strings.HasPrefix(strings.TrimPrefix(o.reply.start, "SIP/2.0 "), firstWord(rest)) &&
			strings.Contains(o.reply.start, lastWord(rest))
	case "recorded":
		ok = o.record().Found
	case "class":
		ok = o.record().Class == rest
	case "rule":
		ok = o.record().Rule == rest
	case "called":
		ok = o.record().Called == rest
	case "identity-unknown":
		ok = o.record().Found && !o.record().IdentityKnown
	case "record-lacks":
		ok = o.record().Found && !strings.Contains(o.record().Text, rest)
	case "log-lacks":
		ok = !strings.Contains(o.log.String(), rest)
	case "restored":
		ok = true // every call that gets through is held against its sender's dialog anyway
	default:
		if o.got == nil {
			t.Errorf("%q: nothing arrived", expectation)
			return
		}
		ok = o.checkArrived(t, word, rest)
	}
	if !ok {
		t.Errorf("not so: %q\n%s", expectation, o.context())
	}
}

func (o outcome) context() string {
	s := ""
	if o.got != nil {
		s += o.got.raw
	}
	if o.reply != nil {
		s += o.reply.start
	}
	return s
}

func (o outcome) checkArrived(t *testing.T, word, rest string) bool {
	m := *o.got
	low := strings.ToLower(m.raw)
	switch word {
	case "withheld":
		return o.withheld(t)
	case "uri":
		return m.uri() == rest
	case "uri-has":
		return strings.Contains(m.uri(), rest)
	case "uri-lacks":
		return !strings.Contains(strings.ToLower(m.uri()), strings.ToLower(rest))
	case "lacks":
		return !strings.Contains(low, strings.ToLower(rest))
	case "absent":
		return len(m.all(rest)) == 0
	case "present":
		return len(m.all(rest)) > 0
	case "same":
		return len(m.all(rest)) > 0 && strings.Join(m.all(rest), "\n") == strings.Join(o.sent.all(rest), "\n")
	case "same-body":
		return m.body == o.sent.body
	case "count":
		n, _ := strconv.Atoi(lastWord(rest))
		return len(m.values(firstWord(rest))) == n
	case "vias":
		return strconv.Itoa(len(m.values("Via"))) == rest
	case "header":
		return o.checkHeader(m, rest)
	case "anonymous":
		return anonymous(m.get(rest))
	case "gateway":
		return len(m.values(rest)) == 1 && strings.Contains(target(m.get(rest)), "@"+o.gw)
	case "leak-only-in":
		return o.line.leak(m.get(rest)) != "" && o.line.leak(strings.ReplaceAll(m.raw, m.get(rest), "")) == ""
	case "body-has":
		return strings.Contains(m.body, rest)
	case "body-lacks":
		return !strings.Contains(m.body, rest)
	case "body-lacks-hex":
		b, err := hex.DecodeString(rest)
		return err == nil && !strings.Contains(m.body, string(b))
	case "body-matches":
		host, _, _ := strings.Cut(o.gw, ":")
		return regexp.MustCompile(strings.ReplaceAll(rest, "GATEWAY", regexp.QuoteMeta(host))).MatchString(m.body)
	case "content-length":
		return m.get("Content-Length") == strconv.Itoa(len(m.body))
	case "fresh-identifiers":
		return tag(m.get("From")) != tag(o.sent.get("From")) && m.get("Call-ID") != o.sent.get("Call-ID")
	}
	t.Fatalf("unknown expectation %q", word)
	return false
}

func (o outcome) checkHeader(m sipMsg, rest string) bool {
	name, cond, _ := strings.Cut(rest, " ")
	op, want, _ := strings.Cut(cond, " ")
	got := strings.Join(m.all(name), ", ")
	switch op {
	case "=":
		return got == want
	case "has":
		return strings.Contains(got, want)
	case "lacks":
		return !strings.Contains(strings.ToLower(got), strings.ToLower(want))
	}
	return false
}

// withheld is what every withheld request towards an untrusted hop implies.
func (o outcome) withheld(t *testing.T) bool {
	m, ok := *o.got, true
	is := func(cond bool, what string) {
		if !cond {
			ok = false
			t.Errorf("withheld: %s", what)
		}
	}
	is(o.line.leak(m.raw) == "", "leak: "+o.line.leak(m.raw))
	is(anonymous(m.get("From")), "From is not anonymous")
	is(tag(m.get("From")) != "" && tag(m.get("From")) != tag(o.sent.get("From")), "From tag not mapped")
	is(len(m.all("P-Asserted-Identity")) == 0, "P-Asserted-Identity is there")
	is(strings.Join(m.all("Privacy"), ",") == "id", "Privacy is not id")
	is(len(m.values("Via")) == 1, "not exactly one Via")
	is(len(m.values("Contact")) <= 1, "more than one Contact")
	if c := m.get("Contact"); c != "" {
		is(strings.Contains(target(c), "@"+o.gw), "Contact is not on the gateway")
	}
	is(m.get("Call-ID") != o.sent.get("Call-ID"), "Call-ID not mapped")
	r := o.record()
	is(r.Found && r.Withheld, "no record, or not noted as withheld")
	is(r.Calling == "+"+o.line.number, "record without the true caller")
	return ok
}

var anonymousValue = regexp.MustCompile(`^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=[^;]+$`)

func anonymous(value string) bool { return anonymousValue.MatchString(value) }

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

func lastWord(s string) string { return s[strings.LastIndex(s, " ")+1:] }
