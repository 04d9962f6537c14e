package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is said of how complaints are dealt with, by configuration.
func TestCaseworkKeys(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good/warning.nl.html": "<p>{{.Recipient.Name}}</p>", "bad/warning.nl.html": "<p>{{.Recipient.", "curious/warning.nl.html": "<p>{{.Claimant.Name}}</p>", "addresses.csv": "number",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ keys, want string }{
		{"", ""},
		{"margin: 1h, language: en, letters: good, addresses: addresses.csv", ""},
		{"addresses: https://customers.example.net/lookup, addresses_token: token", ""},
		{"margin: 13h", "casework.margin: a search looks at most 12 hours"},
		{"margin: -1s", "casework.margin"},
		{"language: fr", "casework.language: there are no letters in this language; write one of nl, en"},
		{"letters: bad", "casework.letters: letter template warning.nl.html"},
		{"letters: curious", "casework.letters: letter template warning.nl.html"},
		{"addresses: https://", "casework.addresses: this is no URL"},
		{"addresses: nowhere.csv", "warning: casework.addresses: the file is not there"},
		{"addresses: addresses.csv, addresses_token: token", "casework.addresses_token"},
	} {
		cfg, problems := Parse([]byte("casework: {"+c.keys+"}"), "test", dir)
		said := ""
		for _, p := range problems {
			if line := fmt.Sprint(p); strings.Contains(line, "casework") {
				said += line
			}
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%q: says %q, want %q", c.keys, said, c.want)
		}
		if c.keys == "" && (cfg.Casework.Margin != Duration(30*time.Minute) || cfg.Casework.Language != "nl" || cfg.Casework.Letters != "") {
			t.Errorf("defaults %+v", cfg.Casework)
		}
	}
}
