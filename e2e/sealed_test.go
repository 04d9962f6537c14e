package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"clirgate/numbering"
	"clirgate/trace/tracetest"
)

// Promise of DESIGN D7: whoever has the data directory, and not the master key, which
// lies outside of it, learns of nobody who called whom. Real calls go through a whole
// gateway; then every byte of every file is searched, while it runs and after it stopped.
func TestStolenDataDirectoryTellsNothing(t *testing.T) { eachKind(t, stolenDataDirectory) }

func stolenDataDirectory(t *testing.T, vector string) {
	r := newRig(t, "U1", "")
	first, second := r.established(t, vector, "1"), r.established(t, vector, "2")
	first.byeFromCaller(first.a.hop())
	r.ringing(t, vector, "3").cancel()
	r.finished(func(w whole) bool { return w.Status == 487 })

	secrets := map[string][]byte{
		"the caller's address": []byte(first.ua.host()), "the caller's Call-ID": []byte(first.sent.get("Call-ID")),
		"the callee's Call-ID": []byte(second.got.get("Call-ID")),
	}
	check := func(when string) {
		t.Helper()
		all := everyByte(t, r.dataDir())
		if !bytes.Contains(all, []byte("INVITE")) {
			t.Errorf("%s: the records are not there at all", when)
		}
		for name, digits := range map[string]string{"caller": "31205550101", "called": "31705550199"} {
			n := numbering.New(numbering.International, []byte(digits))
			for _, s := range tracetest.Spellings(n) {
				if bytes.Contains(all, s) {
					t.Errorf("%s: the %s number, in %d bytes", when, name, len(s))
				}
			}
		}
		for name, s := range secrets {
			if bytes.Contains(all, s) {
				t.Errorf("%s: %s", when, name)
			}
		}
	}
	check("while it runs")
	second.byeFromCallee(second.b.hop())
	r.stop()
	check("after it stopped")

	// What is searched for would be found: it is all there for whoever has the key.
	again := startGateway(t, r.yaml, r.dir)
	if rs := again.records(); len(rs) != 3 || rs[0].Calling != "+31205550101" || rs[0].Called != "+31705550199" {
		t.Errorf("records with the master key: %v", rs)
	}
}

// everyByte is the bytes and names of all files in a directory.
func everyByte(t *testing.T, dir string) (all []byte) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // tidied away meanwhile
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		all = append(append(append(all, b...), '\n'), path...)
		return nil
	}))
	return all
}
