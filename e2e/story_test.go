package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/casework"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// storyCasework is what an operator adds to the configuration to have cases.
const storyCasework = `
casework:
  addresses: addresses.csv
  sender: {name: "Telecom N.V.", department: "Hinderlijke oproepen", address: "Postbus 1", postcode: "2500 AA", town: "Den Haag"}
`

const storyAddresses = "number,name,address,postcode,town\n+31205550101,Piet Plaag,Dorpsstraat 1,1234 AB,Ons Dorp\n"

// ctl is clirctl, run as the program it is.
type ctl struct {
	t       *testing.T
	program string
	server  string
	tokens  map[token.Role]string
}

func newCtl(t *testing.T, g *gateway.Gateway) *ctl {
	t.Helper()
	c := &ctl{t: t, program: filepath.Join(t.TempDir(), "clirctl"), tokens: map[token.Role]string{}}
	if out, err := exec.Command("go", "build", "-o", c.program, "clirgate/cmd/clirctl").CombinedOutput(); err != nil {
		t.Fatalf("clirctl: %v\n%s", err, out)
	}
	for role, name := range map[token.Role]string{token.Investigator: "ivo", token.Supervisor: "sue", token.Privacy: "pia", token.NOC: "nel", token.Billing: "bob"} {
		plain, r := admin.NewToken(role, name, time.Time{})
		must(t, g.Tokens().AddToken(t.Context(), r))
		c.tokens[role] = plain
	}
	return c
}

// run answers what clirctl prints, and its exit code.
func (c *ctl) run(role token.Role, args ...string) (string, int) {
	c.t.Helper()
	cmd := exec.Command(c.program, args...)
	cmd.Env = append(os.Environ(), "CLIRCTL_SERVER="+c.server, "CLIRCTL_TOKEN="+c.tokens[role])
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// refused holds a command to its exit code and reason.
func (c *ctl) refused(role token.Role, code int, reason string, args ...string) {
	c.t.Helper()
	if out, got := c.run(role, args...); got != code || !strings.Contains(out, reason) {
		c.t.Errorf("%v: exit %d, want %d and %q:\n%s", args, got, code, reason, out)
	}
}

func (c *ctl) must(role token.Role, args ...string) string {
	c.t.Helper()
	out, code := c.run(role, args...)
	if code != 0 {
		c.t.Fatalf("%v: exit %d:\n%s", args, code, out)
	}
	return out
}

// view does something with a case and answers it.
func (c *ctl) view(role token.Role, args ...string) (v casework.View) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.must(role, append([]string{"--json", "case"}, args...)...)), &v); err != nil {
		c.t.Fatal(err)
	}
	return v
}

// Promise 6 from end to end: six withheld calls, a complaint, the warning, a seventh call,
// disclosure by two persons, notice, closing; what was promised to each side is held in
// every document; and in the end nothing is left.
func TestFromComplaintToCallerOverTheWire(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { fromComplaintToCaller(t, nil) })
	t.Run("shared", func(t *testing.T) { fromComplaintToCaller(t, pgtest.Start(t)) })
}

// fromComplaintToCaller is the story with the store that is named; nil: the embedded one.
func fromComplaintToCaller(t *testing.T, shared *pgtest.Server) {
	p := newParties(t, "udp")
	if shared != nil {
		p.r.yaml += "\nstore: " + shared.Database(t) + "\n"
	}
	p.r.stop()
	dir := p.r.dir
	must(t, os.WriteFile(filepath.Join(dir, "addresses.csv"), []byte(storyAddresses), 0o600))
	p.r.running = startGateway(t, p.r.yaml+storyCasework, dir)
	c := newCtl(t, p.r.g)
	c.server = p.r.admin

	withheldCall := func() time.Time {
		t.Helper()
		at := time.Now()
		s, in := p.establish(t, p.callee, "sip:*31*0705550199@gw.example.net")
		p.hidden(t, in.req)
		must(t, s.Bye(context.Background()))
		p.callee.got(t, "BYE")
		return at
	}
	claim := []string{"open", "--name=Klaas Klager", "--address=Kerkplein 7", "--postcode=9876 ZX", "--town=Verweg", "--called=070 555 0199", "--nuisance=hijgt elke nacht"}
	for range 6 {
		claim = append(claim, "--at="+withheldCall().Format(time.RFC3339Nano))
	}

	c.refused(token.NOC, 3, "role", append([]string{"case"}, claim...)...)
	c.refused(token.Investigator, 1, "nuisance", append([]string{"case"}, slices.DeleteFunc(slices.Clone(claim), func(s string) bool { return strings.HasPrefix(s, "--nuisance") })...)...)
	id := c.view(token.Investigator, claim...).ID
	var v casework.View
	eventually(t, "six calls are found", func() bool {
		v = c.view(token.Investigator, "search", id)
		return len(v.Candidates) == 1 && len(v.Candidates[0].Calls) == 6
	})
	if len(v.Candidates) != 1 || len(v.Candidates[0].Calls) != 6 || v.Candidates[0].Number != "+3120555****" {
		t.Fatalf("found %+v", v.Candidates)
	}
	c.refused(token.Investigator, 4, "a caller must be selected first", "case", "warn", id)
	v = c.view(token.Investigator, "select", id, "1", "--reason=all six calls")
	if v.Selected.Number != "+31205550101" {
		t.Fatalf("selected %+v", v.Selected)
	}
	v = c.view(token.Investigator, "warn", id)
	warning := c.must(token.Investigator, "case", "letter", id, fmt.Sprint(v.Warning.Document))
	tellsNothing(t, "the warning", warning, "31705550199", "Klager", "Kerkplein", "Verweg", "9876", "hijgt")
	if !strings.Contains(warning, "Piet Plaag") || !strings.Contains(warning, "Telecom N.V.") {
		t.Errorf("the warning is no letter to the caller:\n%s", warning)
	}
	c.view(token.Investigator, "sent", id, "warning")
	c.refused(token.Investigator, 4, "no new incident", "case", "request", id, "--reason=goes on")

	again := withheldCall()
	c.view(token.Investigator, "incident", id, "--at="+again.Format(time.RFC3339Nano)+"/"+again.Add(time.Minute).Format(time.RFC3339))
	eventually(t, "the new call is found", func() bool { // records are shipped a moment later
		_, code := c.run(token.Investigator, "case", "request", id, "--reason=goes on")
		return code == 0
	})
	c.refused(token.Investigator, 3, "role", "case", "approve", id, "--reason=me too")
	v = c.view(token.Supervisor, "approve", id, "--reason=proportionate")
	disclosure := c.must(token.Investigator, "case", "letter", id, fmt.Sprint(v.Request.Document))
	for _, want := range []string{"31205550101", "Piet Plaag", "Dorpsstraat 1", "Klaas Klager"} {
		if !strings.Contains(disclosure, want) {
			t.Errorf("the disclosure does not tell %q", want)
		}
	}
	notice := c.must(token.Investigator, "case", "letter", id, fmt.Sprint(v.Notice.Document))
	tellsNothing(t, "the notice", notice, "31705550199", "Klager", "Kerkplein", "Verweg")
	c.refused(token.Investigator, 4, "the notice has not been sent", "case", "close", id, "--reason=done")
	c.view(token.Investigator, "sent", id, "notice")
	if v = c.view(token.Investigator, "close", id, "--reason=done"); v.GoneAt == nil {
		t.Error("a closed case stays for ever")
	}

	c.evidence(id)
	seen := c.must(token.Privacy, "subject", "seen", "ivo", "--from=1h")
	if !strings.Contains(seen, "+31205550101") || !strings.Contains(seen, id) {
		t.Errorf("whom ivo has seen:\n%s", seen)
	}
	c.must(token.Privacy, "audit", "verify")
	c.must(token.NOC, "records", "verify")
	disk := func(when string) {
		t.Helper()
		tellsNothing(t, "the data directory "+when, string(everyByte(t, filepath.Join(dir, "data"))), "31705550199", "Klager", "Kerkplein", "Piet Plaag", "hijgt")
		tellsNothing(t, "the data directory "+when, string(everyByte(t, filepath.Join(dir, "data"))), "31205550101")
	}
	disk("while it runs")
	p.r.stop()
	disk("after it stopped")
	if shared != nil {
		tellsNothing(t, "the shared store", string(shared.Bytes(t)), "31205550101", "Klager", "Kerkplein", "Piet Plaag", "hijgt")
		tellsNothing(t, "the shared store", string(shared.Bytes(t)), "31705550199")
	}

	// Three months and a day later the case is gone; the records are kept a year.
	g := later(t, p.r.running, c, 0, 3, 1)
	if shared != nil { // a node whose clock is far ahead deletes nothing of others', but shows nothing either
		eventually(t, "the case's time is over", func() bool { // once the shared keys are there
			out, code := c.run(token.Investigator, "case", "show", id)
			return code == 2 && strings.Contains(out, "time is over")
		})
		must(t, g.Close())
		return
	}
	eventually(t, "the case's key is destroyed", func() bool {
		return !slices.ContainsFunc(g.Ring().Names(), func(name string) bool { return strings.Contains(name, id) })
	})
	c.refused(token.Investigator, 2, "time is over", "case", "show", id)
	n := 0
	must(t, g.Records().Scan(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), func(*trace.Record) bool { n++; return true }))
	if n != 7 {
		t.Errorf("%d records after three months, want 7", n)
	}
	must(t, g.Close())
	g = later(t, p.r.running, c, 1, 0, 2)
	eventually(t, "the records' keys are destroyed", func() bool {
		return !slices.ContainsFunc(g.Ring().Names(), func(name string) bool { return strings.HasPrefix(name, "records/") })
	})
	n = 0
	must(t, g.Records().Scan(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), func(*trace.Record) bool { n++; return true }))
	if n != 0 {
		t.Errorf("%d records after a year", n)
	}
	must(t, g.Close())
	disk("a year later")
}

// evidence is written, and verified without gateway or token; a changed byte is found.
func (c *ctl) evidence(id string) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "evidence.json")
	c.must(token.Investigator, "case", "evidence", id, "1", "--out="+file)
	key := strings.TrimSpace(c.must(token.All, "--token-file="+c.file(c.tokens[token.Privacy]), "case", "key"))
	server := c.server
	c.server = "http://127.0.0.1:1"
	defer func() { c.server = server }()
	if out := c.must(token.All, "case", "verify", file, "--key="+key); !strings.Contains(out, id) || !strings.Contains(out, "6") {
		c.t.Errorf("verified:\n%s", out)
	}
	b, err := os.ReadFile(file)
	must(c.t, err)
	must(c.t, os.WriteFile(file, bytes.Replace(b, []byte("+31205550101"), []byte("+31205550102"), 1), 0o600))
	c.refused(token.All, 6, "not as it was signed", "case", "verify", file, "--key="+key)
}

func (c *ctl) file(text string) string {
	path := filepath.Join(c.t.TempDir(), "secret")
	must(c.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// later is the same gateway started again after some time, by its own clock.
func later(t *testing.T, r *running, c *ctl, years, months, days int) *gateway.Gateway {
	t.Helper()
	ahead := time.Until(time.Now().AddDate(years, months, days))
	g, err := gateway.New(r.config(r.yaml), gateway.WithLog(slog.New(slog.DiscardHandler)), gateway.WithClock(func() time.Time { return time.Now().Add(ahead) }))
	must(t, err)
	g.Start()
	t.Cleanup(func() { _ = g.Close() })
	c.server = "http://" + g.AdminAddr()
	return g
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// tellsNothing fails when a text holds a number, in any spelling, or a word.
func tellsNothing(t *testing.T, what, text, digits string, words ...string) {
	t.Helper()
	for _, s := range tracetest.Spellings(numbering.New(numbering.International, []byte(digits))) {
		if bytes.Contains([]byte(text), s) {
			t.Errorf("%s tells a number, in %d bytes", what, len(s))
		}
	}
	for _, w := range words {
		if strings.Contains(text, w) {
			t.Errorf("%s tells %q", what, w)
		}
	}
}
