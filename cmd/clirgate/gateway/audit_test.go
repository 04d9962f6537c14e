package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/store/postgres/pgtest"
)

// onBothStores runs a test with each kind of store.
func onBothStores(t *testing.T, test func(t *testing.T, text string)) {
	t.Run("local", func(t *testing.T) { test(t, served) })
	t.Run("shared", func(t *testing.T) { test(t, shared("gw1", pgtest.Common(t).Database(t))) })
}

func tokenOf(t *testing.T, g *gateway.Gateway, role token.Role, name string) string {
	t.Helper()
	plain, record := admin.NewToken(role, name, time.Time{})
	if err := g.Tokens().AddToken(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	return plain
}

// verified checks the audit log, through the API and on an export.
func verified(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	privacy := tokenOf(t, g, token.Privacy, "pia")
	var report admin.AuditReport
	do(t, g, privacy, "GET", "/v1/audit:verify", "").into(t, &report)
	if !report.Whole || report.Head.Seq == 0 || len(report.Faults) != 0 {
		t.Errorf("%+v", report)
	}
	export := do(t, g, privacy, "GET", "/v1/audit:export", "")
	if _, _, err := audit.VerifyExport(strings.NewReader(export.body)); err != nil {
		t.Errorf("the export: %v", err)
	}
}

// Every request that changes something and every one that was refused is in the chain.
func TestAudited(t *testing.T) {
	onBothStores(t, func(t *testing.T, text string) {
		g, _ := start(t, text, t.TempDir())
		noc, privacy := tokenOf(t, g, token.NOC, "alice"), tokenOf(t, g, token.Privacy, "pia")
		const one = "/v1/subscribers/+31612345678"
		for _, c := range []struct {
			token, method, path, body string
			header                    string
			status                    int
		}{
			{noc, "GET", one, "", "", 404}, // reads are not written down
			{noc, "PUT", one + "?reason=ticket+7", permanent, "", 201},
			{noc, "PUT", one, `{}`, "", 428},
			{noc, "PUT", one, `{}`, `If-Match: "9"`, 412},
			{noc, "PUT", one, `{"clir":"often"}`, `If-Match: "1"`, 400},
			{noc, "GET", "/v1/audit", "", "", 403},
			{privacy, "PUT", one, `{}`, "", 403},
			{"clirgate_unknown", "DELETE", one, "", "", 401},
			{noc, "POST", "/v1/changes/1:revert", "", "", 200},
			{noc, "POST", "/v1/peers/next:drain", "", "", 200},
			{noc, "POST", "/v1/peers/next:resume", "", "", 200},
			{noc, "GET", "/v1/subscribers:export", "", "", 200},
		} {
			if r := do(t, g, c.token, c.method, c.path, c.body, c.header); r.status != c.status {
				t.Fatalf("%s %s: %d %s", c.method, c.path, r.status, r.body)
			}
		}
		r := do(t, g, noc, "POST", "/v1/subscribers:import", "number,acr\n+31612345670,true\n+31612345671,true\n", "Content-Type: text/csv")
		eventually(t, "the import", func() bool {
			return strings.Contains(do(t, g, noc, "GET", r.header.Get("Location"), "").body, `"state":"done"`)
		})

		var page struct{ Entries []audit.Entry }
		do(t, g, privacy, "GET", "/v1/audit?limit=100", "").into(t, &page)
		var got []string
		for i := len(page.Entries) - 1; i >= 0; i-- {
			e := page.Entries[i]
			got = append(got, fmt.Sprintf("%s:%s %s %s", e.Role, e.Actor, e.Action, e.Outcome))
		}
		want := []string{
			"noc:alice subscriber.put done",
			"noc:alice PUT /v1/subscribers/{number} refused",
			"noc:alice PUT /v1/subscribers/{number} refused",
			"noc:alice PUT /v1/subscribers/{number} refused",
			"noc:alice GET /v1/audit refused",
			"privacy:pia PUT /v1/subscribers/{number} refused",
			": DELETE /v1/subscribers/{number} refused",
			"noc:alice subscriber.revert done",
			"noc:alice POST /v1/peers/{name}:drain done",
			"noc:alice POST /v1/peers/{name}:resume done",
			"noc:alice GET /v1/subscribers:export done",
			"noc:alice POST /v1/subscribers:import done",
			"noc:alice subscribers.import done",
		}
		// The import's own entry and that of its request come in either order.
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			swapped := append([]string(nil), want...)
			swapped[11], swapped[12] = want[12], want[11]
			if strings.Join(got, "\n") != strings.Join(swapped, "\n") {
				t.Errorf("the log holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		verified(t, g)
	})
}
