package config

import (
	"strings"
	"testing"
)

func TestStore(t *testing.T) {
	const rest = "peers: [{name: a, boundary: emergency, to: [\"sip:127.0.0.1\"]}]\nroutes: [{emergency: true, to: a}]\n"
	for _, c := range []struct{ text, wrong string }{
		{"", ""},
		{"store: local", ""},
		{"store: postgres://gw@h1,h2/db\nnode: gw2", ""},
		{"store: postgres://gw@h1:5432,h2:5433/db?sslmode=verify-full\nnode: gw2", ""},
		{"store: postgresql://h/db?passfile=/run/pass\nnode: gw2", ""},
		{"store: postgres://gw@h1,h2/db", "node: gateways that share a store need names"},
		{"store: postgres://gw:geheim@h/db\nnode: gw2", "PGPASSWORD"},
		{"store: postgres://gw@h/db?password=geheim\nnode: gw2", "PGPASSWORD"},
		{"store: postgres://gw@h\nnode: gw2", "names no database"},
		{"store: postgres:///db\nnode: gw2", "names no host"},
		{"store: postgres://gw@h/db?sslmode=geheim\nnode: gw2", "sslmode"},
		{"store: postgres://gw:geheim@%zz/db\nnode: gw2", "this is no address"},
		{"store: mysql://h/db", "this is no store"},
	} {
		cfg, problems := Parse([]byte(c.text+"\n"+rest), "test", ".")
		switch got := problems.Error(); {
		case c.wrong == "" && len(problems) > 0:
			t.Errorf("%s: %s", c.text, got)
		case !strings.Contains(got, c.wrong):
			t.Errorf("%s: %s does not say %q", c.text, got, c.wrong)
		case strings.Contains(got, "geheim") && !strings.Contains(c.wrong, "sslmode"):
			t.Errorf("a password is repeated: %s", got)
		}
		if shared := strings.Contains(c.text, "postgres"); cfg.Shared() != shared {
			t.Errorf("%s: shared %t", c.text, !shared)
		}
	}
}
