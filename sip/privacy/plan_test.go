package privacy

import (
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
)

// The cast of the tests: A calls B.
const (
	numberA = "31205550101"
	domain  = "gw.example.net"
)

var testRing = sync.OnceValue(func() *KeyRing {
	r, err := newRing([]*ringKey{newKey(1, epoch.Add(-time.Hour))})
	if err != nil {
		panic(err)
	}
	k := &KeyRing{maxCall: maxCall}
	k.ring.Store(r)
	return k
})

var homePlan = sync.OnceValue(func() *numbering.Plan {
	p, err := numbering.NewPlan("NL", nil)
	if err != nil {
		panic(err)
	}
	return p
})

var calls byte // so that no two dialogs of a test are alike

func newDialog() *Dialog {
	calls++
	d := bornAt(epoch, calls)
	d.CallerNumbers[0] = number(numberA)
	return d
}

// parse reads a message written with bare newlines.
func parse(t testing.TB, text string) *message.Message {
	t.Helper()
	m := new(message.Message)
	if err := m.Parse([]byte(crlf(text))); err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	return m
}

func crlf(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

// run plans and applies.
func run(t testing.TB, tr *Transit) (string, error) {
	t.Helper()
	var e message.Edits
	e.Reset(tr.M)
	if err := Plan(&e, tr); err != nil {
		return "", err
	}
	out, err := e.Apply(nil)
	if err != nil {
		t.Fatalf("apply: %v\n%s", err, tr.M.Bytes())
	}
	return string(out), nil
}

// lines finds the whole header lines of a name, or of its compact form.
func lines(msg, name string) (found []string) {
	head, _, _ := strings.Cut(msg, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		key, _, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			found = append(found, line)
		}
	}
	return found
}

// toA, toU1, toT1, toPS are next hops.
var (
	toU1 = Hop{SupportsPrivacy: true, SendPAI: true, Contact: "198.51.100.2:5060"}
	toT1 = Hop{SupportsPrivacy: true, Trusted: true, Contact: "198.51.100.2:5060"}
	toPS = Hop{SupportsPrivacy: true, Trusted: true, Emergency: true, Contact: "198.51.100.2:5060"}
	toA  = Hop{SupportsPrivacy: true, Contact: "198.51.100.1:5060"}
)

// initial is A's request on its way to next.
func initial(m *message.Message, class rules.Class, next Hop) *Transit {
	d := newDialog()
	d.Class, d.CallerWithheld = class, class == rules.W
	return &Transit{
		M: m, Dialog: d, Sender: Caller, Initial: true,
		Call: rules.Treatment{Class: class}, From: toA, Next: next,
		Network: number(numberA), Domain: domain, Plan: homePlan(), Keys: testRing(), Now: epoch,
	}
}
