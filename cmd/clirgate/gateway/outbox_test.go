package gateway_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
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
	_, text := read(t, two, "/metrics", newToken(t, two))
	for _, line := range []string{"clirgate_outbox_entries 0", "clirgate_outbox_up 1", "clirgate_outbox_batches_lost_total 0"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}
