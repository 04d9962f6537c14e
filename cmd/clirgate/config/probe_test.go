package config

import (
	"fmt"
	"strings"
	"testing"
)

// What is said of probe calls, by configuration.
func TestProbeKeys(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{`probe: {every: 1m, number: "+31205559999"}`, ""},
		{`probe: {every: 5s, number: "+31205559999", emergency: "112"}`, ""},
		{`probe: {every: 4s, number: "+31205559999"}`, "probe.every: probe calls must not follow each other within 5s; write a time like 1m"},
		{`probe: {every: -1m, number: "+31205559999"}`, "probe.every"},
		{`probe: {every: 1m}`, "probe.number: this is no E.164 number"},
		{`probe: {every: 1m, number: "0205559999"}`, "probe.number: this is no E.164 number"},
		{`probe: {every: 1m, number: "+31205559999", emergency: "113"}`, "probe.emergency: this is no emergency number"},
		{"emergency: {numbers: [\"113\"]}\nprobe: {every: 1m, number: \"+31205559999\", emergency: \"113\"}", ""},
		{"sip: {listen: [\"tcp:127.0.0.1:0\"]}\nprobe: {every: 1m, number: \"+31205559999\"}", "probe: probe calls go over udp, and no such listener is there"},
		{`probe: {number: "+31205559999"}`, "warning: probe: there are no probe calls without an interval"},
		{`peers: [{name: "(probe)", boundary: access, from: ["127.0.0.1"]}]`, "peers[0].name: names in parentheses are the gateway's own"},
	} {
		_, problems := Parse([]byte(c.text), "test", t.TempDir())
		said := ""
		for _, p := range problems {
			if line := fmt.Sprint(p); strings.Contains(line, "probe") || strings.Contains(line, "parentheses") {
				said += line + "\n"
			}
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%q: says %q, want %q", c.text, said, c.want)
		}
	}
}
