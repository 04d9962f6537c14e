package casework_test

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
)

func TestEvidenceIsVerifiedOffline(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	c := o.must(o.Open(ctx, ivo, claim(at)))
	o.must(o.Search(ctx, ivo, c.ID))
	o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	file := o.letter(c, 1)
	key, err := o.PublicKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	e, signer, err := casework.VerifyEvidence([]byte(file), nil)
	if err != nil || !signer.Equal(key) || e.Claimed != claimed.E164() || !strings.Contains(string(e.Records[0]), `"calling":"+31612345678"`) {
		t.Errorf("%+v, %v", e, err)
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if _, _, err := casework.VerifyEvidence([]byte(file), other); !errors.Is(err, casework.ErrEvidence) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := casework.VerifyEvidence([]byte(file+"\n"), key); err != nil {
		t.Errorf("with the end of line that an editor adds: %v", err)
	}
	// No byte of the evidence or its signature can be changed.
	for i := range file {
		altered := []byte(file)
		altered[i] ^= 1
		if e2, _, err := casework.VerifyEvidence(altered, key); err == nil {
			t.Fatalf("byte %d changed unnoticed: %v", i, e2.Case == e.Case)
		}
	}
	// Nor can anything be put beside it that another reader takes for it.
	twice := strings.Replace(file, `"evidence":`, `"evidence":{"case":"another"},"evidence":`, 1)
	spelled := strings.Replace(file, `"evidence":`, `"Evidence":`, 1)
	spaced := strings.Replace(file, `,"public_key"`, `, "public_key"`, 1)
	for _, bad := range []string{"", "{}", file + "{}", file[:len(file)-2], twice, spelled, spaced} {
		if _, _, err := casework.VerifyEvidence([]byte(bad), key); !errors.Is(err, casework.ErrEvidence) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzVerifyEvidence(f *testing.F) {
	f.Add([]byte(`{"format":"clirgate evidence 1","evidence":{},"public_key":"AAAA","signature":"AAAA"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, key, err := casework.VerifyEvidence(b, nil); err == nil && len(key) != ed25519.PublicKeySize {
			t.Fatal("verified without a key")
		}
	})
}

// An operator changes a template; a mistake in one is found when they are loaded.
func TestOwnTemplates(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("warning.nl.html", `<p>Beste {{.Recipient.Name}}, hou op. {{number .Number}}{{with .Caller}}{{.Name}}{{end}}{{number .Called}}</p>`)
	letters, err := casework.LoadLetters(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t)
	book := casetest.Book{nuisance: {Name: "<Piet>"}}
	svc := casework.New(o.store, o.vault, book, o.audit, o.ring, casework.Options{Now: o.clock, Letters: letters})
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	c := o.must(svc.Open(ctx, ivo, claim(at)))
	o.must(svc.Search(ctx, ivo, c.ID))
	o.must(svc.Select(ctx, ivo, c.ID, 1, "matches"))
	c = o.must(svc.Warn(ctx, ivo, c.ID))
	letter := o.letter(c, c.Warning.Document)
	if !strings.Contains(letter, "Beste &lt;Piet&gt;, hou op. </p>") || !strings.Contains(letter, "@page { size: A4") {
		t.Errorf("%s", letter)
	}
	for name, text := range map[string]string{"notice.en.html": "{{.Nothing}}", "page.html": "{{if}}"} {
		write(name, text)
		if _, err := casework.LoadLetters(dir); err == nil || !strings.Contains(err.Error(), ".html") {
			t.Errorf("%s: %v", name, err)
		}
		_ = os.Remove(filepath.Join(dir, name))
	}
}

// Letters are in the recipient's language.
func TestLetterLanguage(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	for language, want := range map[string]string{"": "Geachte", "nl": "Geachte", "en": "Dear Sir", "fr": "Geachte"} {
		o := o.inLanguage(language)
		c := o.must(o.Open(ctx, ivo, claim(at)))
		o.must(o.Search(ctx, ivo, c.ID))
		o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
		c = o.must(o.Warn(ctx, ivo, c.ID))
		if letter := o.letter(c, c.Warning.Document); !strings.Contains(letter, want) {
			t.Errorf("%q: not %s", language, want)
		}
	}
}

// The claimant is told of the calls that went on after the warning, too.
func TestDisclosureTellsEveryCall(t *testing.T) {
	o := newOffice(t)
	c := o.requested()
	again := o.now.Add(-time.Minute)
	disclosed := o.must(o.Approve(ctx, sue, c.ID, "yes"))
	text := o.letter(disclosed, disclosed.Request.Document)
	for _, at := range []time.Time{again, again.Add(-25 * time.Hour)} {
		if said := at.Format("02-01-2006 15:04 MST"); strings.Count(text, said) != 1 {
			t.Errorf("the call of %s is told %d times", said, strings.Count(text, said))
		}
	}
	if warned := o.letter(disclosed, c.Warning.Document); strings.Contains(warned, "overflow: hidden") {
		t.Error("a long address is cut")
	}
}
