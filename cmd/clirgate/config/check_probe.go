package config

import (
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/sip/transport"
)

// shortestProbe is how soon one pair of probe calls may follow another: a call may take
// that long.
const shortestProbe = Duration(5 * time.Second)

func (k *checker) checkProbe() {
	p := &k.Probe
	if p.Every == 0 {
		if p.Number != "" {
			k.warn("probe", "there are no probe calls without an interval", "set probe.every, like 1m")
		}
		return
	}
	if p.Every < shortestProbe {
		k.add("probe.every", "probe calls must not follow each other within 5s", "write a time like 1m")
	}
	n := k.plan.ParseText(p.Number)
	if !strings.HasPrefix(p.Number, "+") || n.Kind() != numbering.International || n.E164() != p.Number {
		k.add("probe.number", "this is no E.164 number", "write + and digits, in quotes")
	}
	plan, err := numbering.NewPlan(k.plan.Country(), k.Emergency.Numbers)
	if err == nil && !plan.Dialled([]byte(p.Emergency), nil, 0).Emergency {
		k.add("probe.emergency", "this is no emergency number", "write 112, or one of emergency.numbers, in quotes")
	}
	for _, text := range k.SIP.Listen {
		if l, err := Listener(text); err == nil && l.Net == transport.UDP {
			return
		}
	}
	k.add("probe", "probe calls go over udp, and no such listener is there", "add one to sip.listen, or take probe out")
}
