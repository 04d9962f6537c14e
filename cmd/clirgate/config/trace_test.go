package config

import (
	"fmt"
	"strings"
	"testing"
)

// What is said of how records are kept, by configuration.
func TestTraceKeys(t *testing.T) {
	const shared = "node: gw1\nstore: postgres://clirgate@db1,db2/clirgate\n"
	for _, c := range []struct{ text, want string }{
		{"trace: {durable: disk}", ""},
		{"trace: {durable: quorum}", "trace.durable: quorum needs a shared store; write disk"},
		{"trace: {durable: paper}", "trace.durable: this is unknown; write disk or quorum"},
		{shared + "trace: {durable: quorum}", ""},
		{shared + "trace: {durable: quorum, quorum_budget: 50ms, local_days: 7}", ""},
		{shared + "trace: {quorum_budget: 1s}", "trace.quorum_budget: a call must wait"},
		{shared + "trace: {quorum_budget: 10us}", "trace.quorum_budget: a call must wait"},
		{shared + "trace: {local_days: 1}", "trace.local_days: records are kept here at least 2 days"},
		{shared + "trace: {local_days: 61}", "trace.local_days: records are kept here at least 2 days"},
		{shared + "sip: {max_call: 72h}\ntrace: {local_days: 3}", "trace.local_days: records are kept here at least 2 days, longer than any call may last"},
	} {
		_, problems := Parse([]byte(c.text), "test", t.TempDir())
		said := ""
		for _, p := range problems {
			if line := fmt.Sprint(p); strings.Contains(line, "trace.") && !strings.Contains(line, "master") {
				said += line
			}
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%q: says %q, want %q", c.text, said, c.want)
		}
	}
}
