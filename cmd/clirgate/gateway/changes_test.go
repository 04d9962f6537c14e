package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/rules"
	"clirgate/store/postgres/pgtest"
)

const race = "/v1/subscribers/+31612345678"

// Many clients change one subscriber, each from the revision it saw: every change that was
// answered is made once, on top of what its client saw, and everyone else is told.
func TestRaceOnOneSubscriber(t *testing.T) {
	text := strings.Replace(served, "admin: {", "admin: {rate: 100000, ", 1)
	url := pgtest.Common(t).Database(t)
	for name, gateways := range map[string]func() []*gateway.Gateway{
		"local": func() []*gateway.Gateway {
			g, _ := start(t, text, t.TempDir())
			return []*gateway.Gateway{g, g}
		},
		"two nodes": func() []*gateway.Gateway {
			one, _ := start(t, text+"node: gw1\nstore: "+url+"\n", t.TempDir())
			two, _ := start(t, text+"node: gw2\nstore: "+url+"\n", t.TempDir())
			return []*gateway.Gateway{one, two}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateways()
			token := newToken(t, g[0])
			// All want to be the first: one is.
			const clients = 8
			first := many(clients, func(i int) int {
				return do(t, g[i%2], token, "PUT", race, `{"note":"0"}`, "If-None-Match: *").status
			})
			if first[201] != 1 || first[412] != clients-1 {
				t.Fatalf("%v", first)
			}
			// Each counts the note up, from what it sees, until it was done three times.
			const times = 3
			lost := many(clients, func(i int) (lost int) {
				for done := 0; done < times; {
					seen := do(t, g[i%2], token, "GET", race, "")
					var sub rules.Document
					seen.into(t, &sub)
					var count int
					if _, err := fmt.Sscan(sub.Note, &count); err != nil {
						t.Errorf("%v: %s", err, seen.body)
						return lost
					}
					r := do(t, g[i%2], token, "PUT", race, fmt.Sprintf(`{"note":"%d"}`, count+1), "If-Match: "+seen.header.Get("ETag"))
					switch r.status {
					case 200:
						done++
					case 412:
						lost++
					default:
						t.Errorf("%d %s", r.status, r.body)
						return lost
					}
				}
				return lost
			})
			var sub rules.Document
			do(t, g[1], token, "GET", race, "").into(t, &sub)
			if sub.Note != fmt.Sprint(clients*times) {
				t.Errorf("counted to %s, want %d", sub.Note, clients*times)
			}
			t.Logf("races lost, by how many clients: %v", lost)
			var list struct {
				Changes []struct {
					Revision      uint64
					Before, After *rules.Document
				}
			}
			do(t, g[0], token, "GET", "/v1/changes?limit=500", "").into(t, &list)
			if len(list.Changes) != clients*times+1 {
				t.Fatalf("%d changes", len(list.Changes))
			}
			for i, c := range list.Changes[:clients*times] {
				if older := list.Changes[i+1]; c.Revision != older.Revision+1 || c.Before.Note != older.After.Note {
					t.Errorf("change %d does not follow change %d", c.Revision, older.Revision)
				}
			}
			verified(t, g[0])
		})
	}
}

// many runs clients at once and counts their answers.
func many(clients int, run func(i int) int) map[int]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := map[int]int{}
	for i := range clients {
		wg.Go(func() {
			n := run(i)
			mu.Lock()
			defer mu.Unlock()
			count[n]++
		})
	}
	wg.Wait()
	return count
}

// A rule with an end undoes itself on every node, by one change, and what lay beneath is
// in force again.
func TestRulesEnd(t *testing.T) {
	url := pgtest.Common(t).Database(t)
	local, _ := start(t, served, t.TempDir())
	one, _ := start(t, shared("gw1", url), t.TempDir())
	two, _ := start(t, shared("gw2", url), t.TempDir())
	for name, gateways := range map[string][]*gateway.Gateway{"local": {local}, "two nodes": {one, two}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateways[0]
			token := newToken(t, g)
			if r := do(t, g, token, "PUT", race, `{"clir":"permanent","note":"always"}`); r.status != 201 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			until := time.Now().Add(2 * time.Second).UTC().Truncate(time.Second).Add(time.Second)
			r := do(t, g, token, "PUT", race+"?wait=all", fmt.Sprintf(`{"clir":"none","until":%q}`, until.Format(time.RFC3339)), "If-Match: *")
			if r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			for _, g := range gateways {
				if c := class(t, g, token, "+31612345678"); c != "N" && time.Now().Before(until) {
					t.Errorf("class %s before the end", c)
				}
			}
			for _, g := range gateways { // by the clock, whether it was swept or not
				eventually(t, "the end", func() bool { return class(t, g, token, "+31612345678") == "W" })
			}
			if now := time.Now(); now.Before(until) {
				t.Errorf("ended %v too early", until.Sub(now))
			}
			eventually(t, "the change that ends it", func() bool { return g.Rules().Table().Snapshot().Revision() >= 3 })
			if r := do(t, g, token, "GET", race, ""); !strings.Contains(r.body, `"note":"always"`) || !strings.Contains(r.body, `"until":null`) {
				t.Errorf("%s", r.body)
			}
			time.Sleep(2 * time.Second) // every node has looked, and one of them was enough
			var list struct {
				Changes []struct{ Action, Actor string }
			}
			do(t, g, token, "GET", "/v1/changes", "").into(t, &list)
			if len(list.Changes) != 3 || list.Changes[0].Action != "subscriber.end" || list.Changes[0].Actor != "system" {
				t.Errorf("%+v", list.Changes)
			}
		})
	}
}

// An import goes on after the gateway was stopped in the middle of it, nothing is done
// twice, and it is undone as one.
func TestImportOutlivesRestart(t *testing.T) {
	onBothStores(t, func(t *testing.T, text string) {
		dir := t.TempDir()
		g, _ := start(t, text, dir)
		token := newToken(t, g)
		const rows = 45_000 // three changes
		var file strings.Builder
		file.WriteString("number,clir,note\n")
		for i := range rows {
			fmt.Fprintf(&file, "+31201%06d,permanent,moved\n", i)
		}
		r := do(t, g, token, "POST", "/v1/subscribers:import?reason=move", file.String(), "Content-Type: text/csv")
		if r.status != 202 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		eventually(t, "the first rows", func() bool { return g.Rules().Table().Snapshot().Len() > 0 })
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("stopped after %d of %d rows", g.Rules().Table().Snapshot().Len(), rows)
		g, _ = start(t, text, dir)
		var job admin.Job
		ended := func() bool {
			do(t, g, token, "GET", r.header.Get("Location"), "").into(t, &job)
			return job.State != "running"
		}
		eventually(t, "its end", ended)
		if job.State != "done" || job.Changed != rows || job.Rows != rows || job.Bad != 0 || g.Rules().Table().Snapshot().Len() != rows {
			t.Errorf("%+v, %d in force", job, g.Rules().Table().Snapshot().Len())
		}
		var list struct {
			Changes []struct {
				Rows   int
				Reason string
			}
		}
		do(t, g, token, "GET", "/v1/changes?job="+job.ID, "").into(t, &list)
		total := 0
		for _, c := range list.Changes {
			total += c.Rows
		}
		if total != rows || list.Changes[0].Reason != "move" {
			t.Errorf("%d subscribers changed by %d changes", total, len(list.Changes))
		}
		if out := do(t, g, token, "GET", "/v1/subscribers:export", ""); strings.Count(out.body, "permanent,true,false,none,false,false,") != rows {
			t.Errorf("%d bytes exported", len(out.body))
		}
		r = do(t, g, token, "POST", "/v1/jobs/"+job.ID+":revert?reason=oops", "")
		eventually(t, "the end of its revert", ended)
		if job.State != "done" || job.Changed != rows || g.Rules().Table().Snapshot().Len() != 0 {
			t.Errorf("%+v, %d in force", job, g.Rules().Table().Snapshot().Len())
		}
		verified(t, g)
	})
}
