package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/store/postgres/pgtest"
)

// node is one gateway's rules on a shared database.
type node struct {
	db       *DB
	service  *rules.Service
	follower *rules.Follower
}

func startNode(t *testing.T, url, name string, listen bool) *node {
	t.Helper()
	n := &node{db: open(t, url)}
	n.service = rules.NewService(n.db.Rules(), new(rules.Table))
	o := rules.FollowOptions{Node: name, Nodes: n.db.Nodes(), Log: slog.New(slog.DiscardHandler)}
	if listen {
		o.Listen = n.db
	}
	if err := n.service.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	n.follower = rules.Follow(n.service, o)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.follower.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return n
}

func (n *node) at() uint64 { return n.service.Table().Snapshot().Revision() }

func (n *node) class(number numbering.Number) rules.Class {
	return rules.Decide(n.service.Table().Snapshot(), &rules.Call{Caller: number, TrustedSource: true}).Class
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

var by = rules.By{Actor: "noc:alice"}

func line(i int) numbering.Number {
	return numbering.New(numbering.International, fmt.Appendf(nil, "3161234%04d", i))
}

func TestTwoNodes(t *testing.T) {
	for name, listen := range map[string]bool{"listening": true, "polling": false} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			url := server.Database(t)
			a, b := startNode(t, url, "a", listen), startNode(t, url, "b", listen)
			for _, n := range []*node{a, b} { // who has not been heard of is not waited for
				eventually(t, "both nodes", func() bool { nodes, err := n.follower.List(ctx); return err == nil && len(nodes) == 2 })
			}
			start := time.Now()
			r, err := a.service.Put(ctx, rules.Subscriber{Number: line(1), CLIR: rules.CLIRPermanent}, rules.Unsaid(), by)
			if err != nil || a.class(line(1)) != rules.W {
				t.Fatalf("not in force at once (%v)", err)
			}
			eventually(t, "the rule on the other node", func() bool { return b.class(line(1)) == rules.W })
			t.Logf("in force on the other node after %v", time.Since(start).Round(time.Millisecond))
			if err := a.follower.WaitAll(ctx, r); err != nil {
				t.Error(err)
			}
			if r, err = b.service.Delete(ctx, line(1), rules.At(r), by); err != nil {
				t.Fatal(err)
			}
			wait, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			if err := b.follower.WaitAll(wait, r); err != nil || a.class(line(1)) != rules.N {
				t.Errorf("waited for all, and yet %v on the other node (%v)", a.class(line(1)), err)
			}
			eventually(t, "the revision of the other node", func() bool {
				nodes, err := a.follower.List(ctx)
				return err == nil && len(nodes) == 2 && nodes[0].Name == "a" && nodes[1].Name == "b" && nodes[1].Revision == r && nodes[1].Live()
			})
		})
	}
}

// The server is stopped, and killed, and started again while rules are changed
// on both nodes: what was answered is there, on both, and deciding never stops.
func TestServerAway(t *testing.T) {
	own := pgtest.Start(t)
	ctx := context.Background()
	url := own.Database(t)
	nodes := []*node{startNode(t, url, "a", true), startNode(t, url, "b", true)}
	if _, err := nodes[0].service.Put(ctx, rules.Subscriber{Number: line(9999), CLIR: rules.CLIRPermanent}, rules.Unsaid(), by); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first rule", func() bool { return nodes[1].class(line(9999)) == rules.W })

	changing, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	answered := make([]map[numbering.Number]uint64, len(nodes))
	refused := make([]int, len(nodes))
	for i, n := range nodes {
		answered[i] = map[numbering.Number]uint64{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; changing.Err() == nil; k++ {
				who := line(i*5000 + k%4000)
				bounded, cancel := context.WithTimeout(ctx, time.Second)
				r, err := n.service.Put(bounded, rules.Subscriber{Number: who, CLIR: rules.CLIRPermanent, Note: fmt.Sprint(k)}, rules.Whatever(), by)
				cancel()
				switch {
				case err == nil:
					answered[i][who] = r
				case errors.Is(err, rules.ErrUnavailable):
					refused[i]++
				default:
					t.Errorf("%v", err)
				}
				if n.class(line(9999)) != rules.W {
					t.Error("deciding stopped")
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	for _, end := range []func(testing.TB){own.Stop, own.Kill} {
		at := nodes[0].at()
		eventually(t, "changes", func() bool { return nodes[0].at() > at+20 })
		end(t)
		for _, n := range nodes {
			eventually(t, "that the store is known to be away", func() bool { _, err := n.follower.Store(); return err != nil })
		}
		own.Restart(t)
		for _, n := range nodes {
			eventually(t, "that the store is back", func() bool { _, err := n.follower.Store(); return err == nil })
		}
	}
	at := nodes[1].at()
	eventually(t, "changes again", func() bool { return nodes[1].at() > at+20 })
	stop()
	wg.Wait()

	newest, err := nodes[0].db.Rules().Revision(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		eventually(t, "the newest revision", func() bool { return n.at() == newest })
		if refused[i] == 0 {
			t.Error("no change was refused: the server was not away")
		}
		for _, list := range answered {
			for who, r := range list {
				if n.class(who) != rules.W {
					t.Fatalf("an answered change is not in force on node %d", i)
				}
				if _, stored, err := n.service.Get(ctx, who); err != nil || stored < r {
					t.Fatalf("answered at %d, stored at %d (%v)", r, stored, err)
				}
			}
		}
	}
	changes, err := nodes[0].service.History(ctx, rules.Query{Newest: true, Limit: 1000})
	if err != nil || len(changes) == 0 || changes[0].Revision != newest {
		t.Errorf("%d changes, %v", len(changes), err)
	}
	for i := 1; i < len(changes); i++ {
		if changes[i].Revision != changes[i-1].Revision-1 {
			t.Fatalf("a gap below revision %d", changes[i-1].Revision)
		}
	}
	if _, err := audit.VerifyLog(ctx, nodes[0].db.Audit()); err != nil {
		t.Error(err)
	}
	t.Logf("%d and %d lines changed, %d and %d changes refused", len(answered[0]), len(answered[1]), refused[0], refused[1])
}
