package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/casetest"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/sip/transport"
	"clirgate/store/postgres"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// busy is a callee that is busy; it answers host:port.
func busy(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 65536); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			head, _, _ := strings.Cut(string(b[:n]), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			if !strings.HasPrefix(lines[0], "INVITE") {
				continue
			}
			reply := []string{"SIP/2.0 486 Busy Here"}
			for _, l := range lines[1:] {
				for _, name := range []string{"Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"} {
					if strings.HasPrefix(l, name) {
						reply = append(reply, l)
					}
				}
				if strings.HasPrefix(l, "To:") {
					reply = append(reply, l+";tag=busy")
				}
			}
			_, _ = c.WriteTo([]byte(strings.Join(reply, "\r\n")+"\r\nContent-Length: 0\r\n\r\n"), from)
		}
	}()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return c.LocalAddr().String()
}

// calling is a configuration with phones and a callee, on a shared store.
func calling(t *testing.T, node, url, more string) string {
	t.Helper()
	return strings.Replace(literal, "127.1.9.9:9", busy(t), 1) + "node: " + node + "\nstore: \"" + url + "\"\n" + more
}

// place places calls, each of which is answered as busy.
func place(t *testing.T, g *gateway.Gateway, n int) {
	t.Helper()
	for range n {
		if r := ask(t, g, "INVITE", "sip:0201234567@"+g.Addr(transport.UDP).String()); !strings.HasPrefix(r, "SIP/2.0 486") {
			t.Fatalf("answered %q", r)
		}
	}
}

func outboxOf(t *testing.T, g *gateway.Gateway) admin.OutboxStatus {
	t.Helper()
	var st admin.Status
	code, body := read(t, g, "/v1/status", newToken(t, g))
	reply{status: code, body: body}.into(t, &st)
	if st.Records.Outbox == nil {
		t.Fatal("no outbox in the status")
	}
	return *st.Records.Outbox
}

// number is an international one.
func number(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

// Two gateways with one master key and one store: what one seals, records and cases, the
// other opens; and the server's disk tells nobody anything.
func TestSharedStoreOpensOnEveryNode(t *testing.T) {
	ctx := context.Background()
	server := pgtest.Start(t)
	url := server.Database(t)
	dir := t.TempDir()
	more := "trace: {master_key: " + filepath.Join(dir, "master") + ", durable: quorum, quorum_budget: 200ms}\n"
	one, log := start(t, calling(t, "gw1", url, more), filepath.Join(dir, "1"))
	two, _ := start(t, calling(t, "gw2", url, more), filepath.Join(dir, "2"))
	place(t, one, 3)
	place(t, two, 2)
	caller, called := number("31612345678"), number("31201234567")
	for _, g := range []*gateway.Gateway{one, two} {
		for _, q := range []trace.Query{{Caller: caller}, {Called: called}} {
			q.From, q.To, q.Basis = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), trace.BasisTransmission
			eventually(t, "the records of both", func() bool {
				n := 0
				err := g.Search().Search(ctx, q, func(r *trace.Record) bool {
					if r.Calling == caller && r.Called == called && r.Status == 486 {
						n++
					}
					return true
				})
				return err == nil && n == 5
			})
		}
	}
	if o := outboxOf(t, one); o.DiskOnly > 3 {
		t.Errorf("%+v", o)
	}
	if !strings.Contains(log.String(), "no synchronous standby") {
		t.Errorf("a quorum of one server is no alarm: %s", log)
	}

	ivo := casework.Actor{Name: "ivo"}
	cases := func(g *gateway.Gateway) *casework.Service {
		return casework.New(g.Cases(), g.Search(), casetest.Book{}, new(casetest.Audit), g.Ring(), casework.Options{})
	}
	var c *casework.Case
	eventually(t, "that cases can be opened", func() (ok bool) {
		var err error
		c, err = cases(one).Open(ctx, ivo, casework.Claim{
			Claimant: casework.Party{Name: "Klaas Klager", Address: "Kerkplein 7", Postcode: "9876 ZX", Town: "Verweg"},
			Number:   called, Nuisance: "hijgt elke nacht", Periods: []casework.Period{{From: time.Now().Add(-time.Minute)}},
		})
		return err == nil
	})
	if got, err := cases(two).Get(ctx, ivo, c.ID); err != nil || got.Claim.Claimant.Name != "Klaas Klager" {
		t.Errorf("on the other node: %v", err)
	}
	for i, g := range []*gateway.Gateway{one, two} {
		list := bills.New(g.Bills(), new(casetest.Audit), g.Ring())
		err := list.Put(ctx, ivo, bills.Entry{Number: called, From: bills.Date(20000 + i)})
		if entries, listErr := list.Entries(ctx); errors.Join(err, listErr) != nil || len(entries) != 1 || entries[0].Number != called {
			t.Errorf("shielded on node %d: %v, %v, %v", i, entries, err, listErr)
		}
	}

	all := server.Bytes(t)
	if !bytes.Contains(all, []byte(c.ID)) {
		t.Error("the case is not there at all")
	}
	for _, n := range []numbering.Number{caller, called} {
		for _, spelling := range tracetest.Spellings(n) {
			if len(spelling) > 4 && bytes.Contains(all, spelling) {
				t.Errorf("a number in clear, in %d bytes", len(spelling))
			}
		}
	}
	for _, secret := range []string{"Klaas Klager", "Kerkplein", "hijgt"} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("%q in clear", secret)
		}
	}
}

// ids counts the records of a vault by ID, all with their final status.
func ids(t *testing.T, v *trace.Vault) map[trace.ID]int {
	t.Helper()
	found := map[trace.ID]int{}
	err := v.ScanClosed(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), func(r *trace.Record) bool {
		if r.Status == 486 {
			found[r.ID]++
		}
		return true
	})
	if err != nil {
		t.Log(err)
	}
	return found
}

// Calls are placed on two gateways while the server is there, while it is away, when it is
// back, and when it was killed; a gateway starts while it is away. All records come.
func TestCallsWhileSharedStoreIsAway(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	dir := t.TempDir()
	one, log := start(t, calling(t, "gw1", url, ""), filepath.Join(dir, "1"))
	two, _ := start(t, calling(t, "gw2", url, ""), filepath.Join(dir, "2"))
	both := []*gateway.Gateway{one, two}
	const each = 5
	total := 0
	calls := func() {
		t.Helper()
		for _, g := range both {
			place(t, g, each)
		}
		total += len(both) * each
	}
	shipped := func(g *gateway.Gateway) bool { return len(ids(t, g.Search())) == total }
	calls()
	eventually(t, "the first records in the shared store", func() bool { return shipped(one) })

	server.Stop(t)
	calls()
	eventually(t, "that it is away", func() bool { return strings.Contains(log.String(), "records wait on this node") })
	calls()
	server.Restart(t)
	calls()
	eventually(t, "all that waited", func() bool { return shipped(one) })
	if o := outboxOf(t, one); !o.Shipping || o.Waiting != 0 || o.Shipped < 4*each*2 {
		t.Errorf("%+v", o)
	}

	server.Kill(t)
	calls()
	if err := two.Close(); err != nil {
		t.Error(err)
	}
	two, _ = start(t, calling(t, "gw2", url, ""), filepath.Join(dir, "2"))
	both[1] = two
	calls()
	server.Restart(t)
	eventually(t, "the records of a gateway that was stopped meanwhile", func() bool { return shipped(two) })
	for id, n := range ids(t, two.Search()) {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	// Each has a master key of its own here: nothing is lost by that, but it is said.
	token := newToken(t, two)
	eventually(t, "that it is a problem", func() bool {
		_, body := read(t, two, "/v1/status", token)
		return strings.Contains(body, "all nodes need the same")
	})
	_, text := read(t, two, "/metrics", newToken(t, two))
	for _, line := range []string{"clirgate_outbox_entries 0", "clirgate_outbox_up 1", "clirgate_outbox_batches_lost_total 0"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// A node's database is damaged while some of it is not shipped yet: the rest of it comes
// by salvage, and nothing twice.
func TestDamagedOutboxIsSalvaged(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	dir := t.TempDir()
	text := calling(t, "gw1", url, "")
	g, _ := start(t, text, dir)
	place(t, g, 6)
	eventually(t, "the first records", func() bool { return len(ids(t, g.Search())) == 6 })
	server.Stop(t)
	place(t, g, 6)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "data", gateway.RecordsFolder))
	g, _ = start(t, text, dir)
	place(t, g, 6)
	cfg := parse(t, text, dir)
	var out bytes.Buffer
	if err := gateway.Salvage(t.Context(), &out, cfg); err == nil {
		t.Errorf("salvaged into a store that is away: %s", &out)
	}
	server.Restart(t)
	eventually(t, "those of the new database", func() bool { return len(ids(t, g.Search())) == 12 })
	for range 2 {
		if err := gateway.Salvage(t.Context(), &out, cfg); err != nil {
			t.Error(err)
		}
	}
	if n := len(ids(t, g.Search())); n != 18 {
		t.Errorf("%d records, want 18: %s", n, &out)
	}
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := db.Records(nil).Count(t.Context()); n != 18 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// With a quorum, a call that was placed has its record on a second server: the node and
// the primary may be destroyed that moment.
func TestQuorumOutlivesNodeAndPrimary(t *testing.T) {
	pair := pgtest.StartPair(t)
	url := pair.Database(t)
	text := calling(t, "gw1", url, "trace: {durable: quorum, quorum_budget: 200ms}\n")
	g, log := start(t, text, t.TempDir())
	token := newToken(t, g)
	unsure := func() uint64 { // calls that did not wait for either store, or not for the shared one
		var st admin.Status
		code, body := read(t, g, "/v1/status", token)
		reply{status: code, body: body}.into(t, &st)
		return st.Records.Without + st.Records.Outbox.DiskOnly
	}
	there, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	placed, kept := 0, 0 // kept: calls in a row that waited for the shared store
	eventually(t, "calls that wait for the shared store", func() bool {
		before := unsure()
		place(t, g, 1)
		placed++
		// While a disk stalls calls wait for nothing, and are counted later.
		n, err := there.Records(nil).Count(t.Context())
		if kept++; err != nil || n != placed || unsure() != before || g.Search().ScanClosed(time.Time{}, time.Now(), func(*trace.Record) bool { return true }) != nil {
			kept = 0
		}
		return kept >= 3
	})
	if err := there.Close(); err != nil {
		t.Fatal(err)
	}
	before := unsure()
	place(t, g, 20)
	placed += 20
	pair.Primary.Kill(t) // nothing more can be shipped
	missed := int(unsure() - before)
	pair.Promote(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n, err := db.Records(nil).Count(t.Context())
	if err != nil || n < placed-missed {
		t.Errorf("%d of %d records on the standby, %d of them not waited for, %v", n, placed, missed, err)
	}
	t.Logf("%d of %d records on the standby, %d not waited for", n, placed, missed)
	if strings.Contains(log.String(), "no synchronous standby") {
		t.Error("the standby was not seen")
	}
}
