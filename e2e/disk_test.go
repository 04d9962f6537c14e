package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace/tracetest"
)

// Whatever a gateway writes in its data directory in an operator's day, file by file:
// journal and records, the outbox, casework and audit log, what bulk jobs and the copy of
// the rules leave there, a damaged database that was set aside and one that was salvaged.
// Of callers, called and complainants no byte is there, in any spelling. Of subscribers who
// have a rule the number is, by design, where the rules are, and nowhere else: who has
// which service is not who called whom.
func TestDataDirectoryTellsNothingOfADay(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { dayOnDisk(t, nil) })
	t.Run("shared", func(t *testing.T) { dayOnDisk(t, pgtest.Start(t)) })
}

const (
	dayCaller  = "31205550101"
	dayCalled  = "31705550199" // and complainant
	dayOrdered = "31205550166" // whom an authority asks about
	dayExplain = "31205550167" // whom a NOC engineer asks about
	dayBilled  = "31705550168" // on another provider's shielding list
	dayRule    = "31705550177" // has a rule, and is called
	dayBulk    = "31705550178" // has a rule from a file
)

// dayWords are what else must not be there.
var dayWords = []string{"Klager", "Kerkplein", "Verweg", "Piet Plaag", "hijgt", "127.0.3.1"}

// ruleFiles are where rules stand in clear, or scrambled without a key: the store with its
// history and its audit log of whose rule was changed; what an import leaves; the node's
// own copy.
var ruleFiles = []string{"clirgate.db", "jobs", "rules-copy.db"}

func dayOnDisk(t *testing.T, shared *pgtest.Server) {
	p := newParties(t, "udp")
	p.r.stop()
	if shared != nil {
		p.r.yaml += "\nstore: " + shared.Database(t) + "\n"
	}
	must(t, os.WriteFile(filepath.Join(p.r.dir, "addresses.csv"), []byte(storyAddresses), 0o600))
	text := p.r.yaml + storyCasework
	p.r.running = startGateway(t, text, p.r.dir)
	c := newCtl(t, p.r.g)
	c.server = p.r.admin

	p.r.put("+"+dayRule, `{"mcid":"permanent","shield_on_bills":true}`)
	bulk := filepath.Join(t.TempDir(), "bulk.csv")
	must(t, os.WriteFile(bulk, []byte("number,clir\n+"+dayBulk+",permanent\n"), 0o600))
	c.must(token.NOC, "subscriber", "import", bulk)
	c.refused(token.NOC, 2, "no rule", "subscriber", "get", "+"+dayCaller)
	c.must(token.NOC, "explain", "--peer=phones", "--from="+dayExplain, "--to=0705550199")

	call := func(uri string) time.Time {
		at := time.Now()
		s, _ := p.establish(t, p.callee, uri)
		must(t, s.Bye(context.Background()))
		p.callee.got(t, "BYE")
		return at
	}
	at := call("sip:*31*0705550199@gw.example.net")
	call("sip:0705550199@gw.example.net")
	call("sip:*31*0705550177@gw.example.net") // marked by rule
	waitFor(t, "the marked call's case", func() bool { return len(p.r.cases()) > 0 })
	c.workDay(at)

	day := diskOf{t, p.r.dataDir()}
	day.tellsOnlyRules("while it runs", shared == nil)
	p.r.stop()
	day.tellsOnlyRules("after it stopped", shared == nil)

	manifests, _ := filepath.Glob(filepath.Join(p.r.dataDir(), gateway.RecordsFolder, "MANIFEST-*"))
	for _, m := range manifests {
		must(t, os.WriteFile(m, []byte("damaged"), 0o600))
	}
	p.r.running = startGateway(t, text, p.r.dir)
	call("sip:*31*0705550199@gw.example.net")
	day.has("records.damaged-")
	day.tellsOnlyRules("with a damaged database set aside", shared == nil)
	waitFor(t, "salvage", func() bool { return gateway.Salvage(t.Context(), io.Discard, p.r.config(text)) == nil })
	day.has("records.salvaged-")
	p.r.stop()
	day.tellsOnlyRules("with a salvaged database", shared == nil)
	if shared != nil {
		day.has("rules-copy.db")
	}
}

// workDay is what investigators, supervisors, the privacy officer and billing do.
func (c *ctl) workDay(at time.Time) {
	t := c.t
	id := c.view(token.Investigator, "open", "--name=Klaas Klager", "--address=Kerkplein 7", "--postcode=9876 ZX", "--town=Verweg",
		"--called=070 555 0199", "--nuisance=hijgt elke nacht", "--at="+at.Format(time.RFC3339Nano)).ID
	eventually(t, "the call is found", func() bool { return len(c.view(token.Investigator, "search", id).Candidates) == 1 })
	c.view(token.Investigator, "select", id, "1", "--reason=the only one")
	v := c.view(token.Investigator, "warn", id)
	c.must(token.Investigator, "case", "letter", id, fmt.Sprint(v.Warning.Document))
	c.must(token.Privacy, "subject", "request", "access", "+"+dayCaller, "--what=wie heeft mijn nummer")
	c.must(token.Privacy, "subject", "request", "objection", "+"+dayCalled, "--purpose=reports")
	c.must(token.Privacy, "subject", "export", "+"+dayCaller)
	c.must(token.Investigator, "order", "open", "+"+dayOrdered, "--authority=OM", "--reference=7", "--ground=126n Sv",
		"--from="+at.Add(-time.Hour).Format(time.RFC3339), "--to="+at.Format(time.RFC3339), "--made")
	file := filepath.Join(t.TempDir(), "shielded.csv")
	must(t, os.WriteFile(file, []byte("+"+dayBilled+",2026-01-01\n"), 0o600))
	c.must(token.Billing, "shielded", "import", file, "--source=other")
}

// diskOf is a data directory.
type diskOf struct {
	t   *testing.T
	dir string
}

// files are its files by name, what they hold, and their own names.
func (d diskOf) files() map[string][]byte {
	d.t.Helper()
	files := map[string][]byte{}
	must(d.t, filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // tidied away meanwhile
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name, _ := filepath.Rel(d.dir, path)
		files[name] = append(b, name...)
		return err
	}))
	return files
}

func (d diskOf) has(prefix string) {
	d.t.Helper()
	if !slices.ContainsFunc(slices.Collect(maps.Keys(d.files())), func(name string) bool { return strings.HasPrefix(name, prefix) }) {
		d.t.Errorf("there is no %s", prefix)
	}
}

// tellsOnlyRules looks for all numbers in all files. local: the rules are here, too.
func (d diskOf) tellsOnlyRules(when string, local bool) {
	d.t.Helper()
	files := d.files()
	told := func(secret []byte, of string, where ...string) (n int) {
		for name, b := range files {
			if !bytes.Contains(b, secret) {
				continue
			}
			n++
			if !slices.ContainsFunc(where, func(allowed string) bool { return strings.HasPrefix(name, allowed) }) {
				d.t.Errorf("%s: %s tells %s, in %d bytes", when, name, of, len(secret))
			}
		}
		return n
	}
	inClear := 0
	for digits, where := range map[string][]string{
		dayCaller: nil, dayCalled: nil, dayOrdered: nil, dayExplain: nil, dayBilled: nil, dayRule: ruleFiles, dayBulk: ruleFiles,
	} {
		for _, s := range tracetest.Spellings(numbering.New(numbering.International, []byte(digits))) {
			inClear += told(s, "the number that ends in "+digits[9:], where...)
		}
	}
	if local && inClear == 0 {
		d.t.Errorf("%s: the rules are not there at all", when)
	}
	for _, word := range dayWords {
		told([]byte(word), word)
	}
}
