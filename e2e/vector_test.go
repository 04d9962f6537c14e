package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vector is one run of a message with what must come of it.
type vector struct {
	name   string
	from   string // fixture line or peer that sends
	egress string // who must get it; "none": nobody
	flags  string
	msg    string // CRLF line ends, hosts still of the documentation ranges
	expect []string
}

// loadVectors reads testdata/vectors: one file a message, the first run with the message
// as it stands, further runs ("=== title") with substitutions.
func loadVectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var out []vector
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		vs, err := parseVectors(strings.TrimSuffix(filepath.Base(f), ".txt"), string(b))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, vs...)
	}
	return out
}

func parseVectors(name, text string) ([]vector, error) {
	sections := strings.Split(text, "\n=== ")
	head, expect, ok := strings.Cut(sections[0], "--- expect\n")
	if !ok {
		return nil, fmt.Errorf("no expectations")
	}
	head, msg, ok := strings.Cut(head, "--- message\n")
	if !ok {
		return nil, fmt.Errorf("no message")
	}
	first := vector{name: name, msg: crlf(msg), expect: lines(expect)}
	if err := first.settings(head); err != nil {
		return nil, err
	}
	out := []vector{first}
	for _, s := range sections[1:] {
		title, rest, _ := strings.Cut(s, "\n")
		head, expect, ok := strings.Cut(rest, "--- expect\n")
		if !ok {
			return nil, fmt.Errorf("%s: no expectations", title)
		}
		v := first
		v.name, v.expect = name+"/"+strings.ReplaceAll(title, " ", "_"), lines(expect)
		if err := v.settings(head); err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func (v *vector) settings(head string) error {
	for _, l := range lines(head) {
		if strings.HasPrefix(l, "#") {
			continue
		}
		key, value, _ := strings.Cut(l, ": ")
		switch key {
		case "from":
			v.from = value
		case "egress":
			v.egress = value
		case "flags":
			v.flags = value
		case "sub":
			old, repl, ok := strings.Cut(value, " =>")
			old, repl = unescape(old), unescape(strings.TrimPrefix(repl, " "))
			if !ok || !strings.Contains(v.msg, old) {
				return fmt.Errorf("substitution %q does not apply", value)
			}
			v.msg = strings.ReplaceAll(v.msg, old, repl)
		default:
			return fmt.Errorf("unknown setting %q", l)
		}
	}
	return nil
}

func unescape(s string) string { return strings.ReplaceAll(s, `\n`, "\r\n") }

func crlf(s string) string {
	s = strings.ReplaceAll(s, "\n", "\r\n")
	if !strings.Contains(s, "\r\n\r\n") {
		s += "\r\n"
	}
	return s
}

func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}
