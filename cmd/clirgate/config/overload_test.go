package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestOverloadKeys(t *testing.T) {
	for _, c := range []struct{ overload, want string }{
		{"{}", ""},
		{"{target: 5ms, interval: 1s}", ""},
		{"{target: -20ms}", "sip.overload.target"},
		{"{target: 20us}", "sip.overload.target"},
		{"{target: 2s}", "sip.overload.target"},
		{"{interval: -1s}", "sip.overload.interval"},
		{"{interval: 1ms}", "sip.overload.interval"},
		{"{interval: 1h}", "sip.overload.interval"},
	} {
		_, problems := Parse([]byte("sip: {overload: "+c.overload+"}"), "test", t.TempDir())
		said := ""
		for _, p := range problems {
			if line := fmt.Sprint(p); strings.Contains(line, "sip.overload") {
				said += line
			}
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%q: says %q, want %q", c.overload, said, c.want)
		}
	}
}
