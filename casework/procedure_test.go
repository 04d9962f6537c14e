package casework_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/casework"
	"clirgate/numbering"
	"clirgate/trace"
)

// NV8: each part of a claim in turn.
func TestIncompleteClaim(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	for _, c := range []struct {
		name   string
		spoil  func(*casework.Claim)
		fields []string
	}{
		{"a name", func(c *casework.Claim) { c.Claimant.Name = " " }, []string{"claimant.name"}},
		{"a address", func(c *casework.Claim) { c.Claimant = casework.Party{Name: "K"} }, []string{"claimant.address", "claimant.postcode", "claimant.town"}},
		{"b", func(c *casework.Claim) { c.Number = 0 }, []string{"number"}},
		{"c", func(c *casework.Claim) { c.Nuisance = "" }, []string{"nuisance"}},
		{"d", func(c *casework.Claim) { c.Periods = nil }, []string{"periods"}},
		{"d zero", func(c *casework.Claim) { c.Periods[0].From = time.Time{} }, []string{"periods"}},
		{"d future", func(c *casework.Claim) { c.Periods[0].From = o.now.Add(time.Hour) }, []string{"periods"}},
		{"d wide", func(c *casework.Claim) {
			c.Periods[0] = casework.Period{From: at.AddDate(0, -1, 0), To: at}
		}, []string{"periods"}},
		{"all", func(c *casework.Claim) { *c = casework.Claim{} }, []string{"claimant.name", "claimant.address", "claimant.postcode", "claimant.town", "nuisance", "number", "periods"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := claim(at)
			c.spoil(&cl)
			_, err := o.Open(ctx, ivo, cl)
			missing(t, err, c.fields...)
		})
	}
	if list, err := o.List(ctx, ivo, "", 0); len(list) != 0 || err != nil {
		t.Errorf("%d cases on incomplete claims, %v", len(list), err)
	}
}

// NV9 and the bounds of a search (NV13): only the claimed number, only the claimed times
// with their margin, only withheld calls.
func TestSearchIsBoundToTheClaim(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-10 * time.Hour)
	margin := 30 * time.Minute
	inside := []trace.ID{
		o.call(at.Add(-margin), nil), o.call(at, nil), o.call(at.Add(margin), nil),
		o.call(at.Add(time.Minute), func(r *trace.Record) { r.Called, r.DivertedFrom = abroad, claimed }),
	}
	o.call(at.Add(-margin-time.Second), nil)
	o.call(at.Add(margin+time.Second), nil)
	o.call(at, func(r *trace.Record) { r.Withheld = false })
	o.call(at, func(r *trace.Record) { r.Called = neighbour })
	o.call(at, func(r *trace.Record) { r.Bases = trace.BasisTransmission }) // LAW-14
	c := o.must(o.Open(ctx, ivo, claim(at, at.Add(time.Minute))))           // the windows overlap
	c = o.must(o.Search(ctx, ivo, c.ID))
	if len(c.Candidates) != 1 {
		t.Fatalf("%d candidates", len(c.Candidates))
	}
	var got []trace.ID
	for _, call := range c.Candidates[0].Calls {
		got = append(got, call.Record)
	}
	for _, id := range inside {
		if !slices.Contains(got, id) {
			t.Error("a call inside the claim is not found")
		}
	}
	if len(got) > len(inside)+1 { // the second window reaches a minute further
		t.Errorf("%d calls found", len(got))
	}
}

func TestPresentedNumberIsNotInvestigated(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	c := o.must(o.Open(ctx, ivo, claim(at)))
	if c = o.must(o.Search(ctx, ivo, c.ID)); len(c.Candidates) != 0 {
		t.Error("found somebody where nobody called")
	}
	o.call(at, func(r *trace.Record) { r.Withheld = false })
	_, err := o.Search(ctx, ivo, c.ID)
	conflict(t, err, "number was presented")
}

// NV10: without warning, without a new incident, by its own author.
func TestDisclosureIsTheLastResort(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	c := o.must(o.Open(ctx, ivo, claim(at)))
	request := func() error { _, err := o.RequestDisclosure(ctx, ivo, c.ID, "please"); return err }
	conflict(t, request(), "warned first")
	o.must(o.Search(ctx, ivo, c.ID))
	o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	conflict(t, request(), "warned first")
	o.must(o.Warn(ctx, ivo, c.ID))
	conflict(t, request(), "has not been sent")
	_, err := o.WarningSent(ctx, ivo, c.ID, o.now.Add(time.Hour))
	missing(t, err, "sent")
	_, err = o.WarningSent(ctx, ivo, c.ID, o.now.Add(-time.Hour))
	missing(t, err, "sent")
	o.must(o.WarningSent(ctx, ivo, c.ID, time.Time{}))
	_, err = o.WarningSent(ctx, ivo, c.ID, time.Time{})
	conflict(t, err, "already")
	conflict(t, request(), "no new incident")

	o.now = o.now.AddDate(0, 0, 2)
	o.must(o.AddIncident(ctx, ivo, c.ID, casework.Period{From: at}, "an old one")) // before the warning
	conflict(t, request(), "no new incident")
	later := o.now.Add(-time.Hour)
	o.must(o.AddIncident(ctx, ivo, c.ID, casework.Period{From: later}, "a new one"))
	conflict(t, request(), "no withheld call of the selected caller")
	o.call(later, func(r *trace.Record) { r.Calling = neighbour })
	conflict(t, request(), "no withheld call of the selected caller")
	o.call(later, func(r *trace.Record) { r.Withheld = false })
	conflict(t, request(), "no withheld call of the selected caller")
	o.call(later, nil)
	_, err = o.RequestDisclosure(ctx, ivo, c.ID, "")
	missing(t, err, "reason")
	if err := request(); err != nil {
		t.Fatal(err)
	}

	for _, self := range []casework.Actor{ivo, {Name: " IVO "}} {
		_, err = o.Approve(ctx, self, c.ID, "")
		forbidden(t, err)
		_, err = o.Refuse(ctx, self, c.ID, "no")
		forbidden(t, err)
	}
	_, err = o.Close(ctx, ivo, c.ID, "done")
	conflict(t, err, "decided first")
	_, err = o.Refuse(ctx, sue, c.ID, "")
	missing(t, err, "reason")
	if c = o.must(o.Refuse(ctx, sue, c.ID, "not serious")); c.State != casework.Warned {
		t.Errorf("refused, now %s", c.State)
	}
	if _, err := o.Approve(ctx, sue, c.ID, ""); err == nil {
		t.Error("approved what was refused")
	}
}

// NV12: both letters or none.
func TestDisclosureAndNoticeAreOne(t *testing.T) {
	o := newOffice(t)
	c := o.requested()
	disk := errors.New("disk full")
	broken := &failingSave{Store: o.store}
	svc := o.with(broken)
	broken.err = disk
	before := len(o.audit.Actions())
	if _, err := svc.Approve(ctx, sue, c.ID, "yes"); !errors.Is(err, disk) {
		t.Fatal(err)
	}
	if told := o.audit.Actions()[before:]; len(told) != 0 {
		t.Errorf("the log tells %v, which did not happen", told)
	}
	broken.err = nil
	after := o.must(svc.Get(ctx, ivo, c.ID))
	docs, err := svc.Documents(ctx, ivo, c.ID)
	if err != nil || after.State != casework.Requested || after.Notice != nil || len(docs) != c.Documents {
		t.Errorf("state %s, %d documents of %d, %v", after.State, len(docs), c.Documents, err)
	}
	c = o.must(svc.Approve(ctx, sue, c.ID, "yes"))
	docs, _ = svc.Documents(ctx, ivo, c.ID)
	kinds := []string{docs[len(docs)-2].Kind, docs[len(docs)-1].Kind}
	if !slices.Equal(kinds, []string{casework.LetterDisclosure, casework.LetterNotice}) || c.Notice == nil {
		t.Errorf("%v", kinds)
	}
}

func TestCallerElsewhere(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, func(r *trace.Record) { r.Calling = abroad })
	o.call(at, func(r *trace.Record) { r.Calling, r.Trust, r.Ingress = 0, trace.TrustNone, "transit" })
	c := o.must(o.Open(ctx, ivo, claim(at)))
	c = o.must(o.Search(ctx, ivo, c.ID))
	if len(c.Candidates) != 2 {
		t.Fatalf("%d candidates", len(c.Candidates))
	}
	for _, cand := range c.Candidates {
		o.must(o.Select(ctx, ivo, c.ID, cand.N, "matches"))
		_, err := o.Warn(ctx, ivo, c.ID)
		if cand.Number == 0 {
			conflict(t, err, "identity is not known")
		} else {
			conflict(t, err, "subscriber of Overseas Telecom")
		}
	}
	_, err := o.AskProvider(ctx, ivo, c.ID, "", "")
	missing(t, err, "provider", "question")
	o.must(o.AskProvider(ctx, ivo, c.ID, "Overseas Telecom", "who called"))
	_, err = o.AnswerProvider(ctx, ivo, c.ID, 2, "x")
	missing(t, err, "question")
	c = o.must(o.AnswerProvider(ctx, ivo, c.ID, 1, "we have warned our subscriber"))
	if c.Provider[0].Answer == "" || c.Provider[0].Answered.IsZero() {
		t.Error("answer not recorded")
	}
	_, err = o.AnswerProvider(ctx, ivo, c.ID, 1, "again")
	conflict(t, err, "already")
	o.must(o.Close(ctx, ivo, c.ID, "with the other provider"))
}

func TestMarkedCalls(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	id, err := o.Mark(ctx, casework.Mark{Called: claimed, At: at, How: "code"})
	if err != nil {
		t.Fatal(err)
	}
	joined, err := o.Mark(ctx, casework.Mark{Called: claimed, At: at.Add(time.Minute), How: "code"})
	other, _ := o.Mark(ctx, casework.Mark{Called: neighbour, At: at, How: "code"})
	if joined != id || other == id || err != nil {
		t.Errorf("joined %v, other number %v, %v", joined == id, other == id, err)
	}
	_, err = o.Search(ctx, ivo, id)
	conflict(t, err, "draft")
	cl := claim(at.Add(-time.Minute))
	cl.Number = neighbour
	_, err = o.Complete(ctx, ivo, id, cl)
	conflict(t, err, "another number")
	cl.Number = 0
	c := o.must(o.Complete(ctx, ivo, id, cl))
	if len(c.Incidents) != 3 || c.Incidents[1].Mark != "code" || c.Incidents[0].Mark != "" {
		t.Errorf("%d incidents", len(c.Incidents))
	}
	if c = o.must(o.Search(ctx, ivo, id)); len(c.Candidates) != 1 {
		t.Errorf("%d candidates", len(c.Candidates))
	}
	o.must(o.Close(ctx, ivo, id, "done"))
	if again, _ := o.Mark(ctx, casework.Mark{Called: claimed, At: at}); again == id {
		t.Error("a mark joined a closed case")
	}
}

func TestEveryLookIsAudited(t *testing.T) {
	o := newOffice(t)
	c := o.requested()
	before := len(o.audit.Actions())
	_, _ = o.Get(ctx, ivo, c.ID)
	_, _ = o.Document(ctx, ivo, c.ID, 1)
	_, _ = o.Documents(ctx, ivo, c.ID)
	_, _ = o.List(ctx, ivo, "", 0)
	_, _ = o.Approve(ctx, ivo, c.ID, "") // refused, and noted all the same
	want := []string{"view", "read evidence", "list documents", "list", "refused: approve"}
	if got := o.audit.Actions()[before:]; !slices.Equal(got, want) {
		t.Errorf("audited %v, want %v", got, want)
	}

	// No audit, no look, and nothing happens.
	o.audit.Fail(errors.New("audit log is full"))
	if got, err := o.Get(ctx, ivo, c.ID); !errors.Is(err, casework.ErrUnavailable) || got != nil {
		t.Errorf("shown without audit: %v", err)
	}
	for name, f := range map[string]func() error{
		"document": func() error { _, err := o.Document(ctx, ivo, c.ID, 1); return err },
		"approve":  func() error { _, err := o.Approve(ctx, sue, c.ID, "yes"); return err },
		"open":     func() error { _, err := o.Open(ctx, ivo, claim(o.now)); return err },
		"list":     func() error { _, err := o.List(ctx, ivo, "", 0); return err },
	} {
		if err := f(); !errors.Is(err, casework.ErrUnavailable) {
			t.Errorf("%s without audit: %v", name, err)
		}
	}
	o.audit.Fail(nil)
	if c := o.must(o.Get(ctx, ivo, c.ID)); c.State != casework.Requested {
		t.Errorf("approved without audit: %s", c.State)
	}
}

func TestAuthorityOrder(t *testing.T) {
	o := newOffice(t)
	at := o.now.AddDate(0, 0, -10)
	o.call(at, nil)
	o.call(at.Add(time.Hour), func(r *trace.Record) { r.Withheld = false })
	o.call(at.AddDate(0, 0, 5), nil) // outside the scope
	o.call(at, func(r *trace.Record) { r.Calling, r.Called = neighbour, nuisance })
	_, err := o.OpenOrder(ctx, ivo, casework.Order{})
	missing(t, err, "authority", "reference", "ground", "scope.number", "scope", "scope.from")
	order, err := o.OpenOrder(ctx, ivo, casework.Order{
		Authority: "OM Den Haag", Reference: "09/123456-26", Ground: "126n Sv",
		Scope: casework.Scope{Number: nuisance, Caller: true, From: at.Add(-time.Hour), To: at.AddDate(0, 0, 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.OrderDocument(ctx, ivo, order.ID); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("answer before approval: %v", err)
	}
	_, err = o.ApproveOrder(ctx, ivo, order.ID)
	forbidden(t, err)
	if order, err = o.ApproveOrder(ctx, sue, order.ID); err != nil || order.Records != 2 {
		t.Fatalf("%v", err)
	}
	_, err = o.RefuseOrder(ctx, sue, order.ID, "late")
	conflict(t, err, "decided already")
	d, err := o.OrderDocument(ctx, ivo, order.ID)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := o.PublicKey(ctx)
	if e, _, err := casework.VerifyEvidence(d.Body, key); err != nil || len(e.Records) != 2 || e.Reason != "OM Den Haag, 09/123456-26" {
		t.Errorf("%v", err)
	}
	o.now = o.now.AddDate(0, 3, 0)
	if _, err := o.GetOrder(ctx, ivo, order.ID); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("kept: %v", err)
	}
}

func TestConcurrentChange(t *testing.T) {
	o := newOffice(t)
	c := o.must(o.Open(ctx, ivo, claim(o.now.Add(-time.Hour))))
	row, err := o.store.Get(ctx, casework.KindCase, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.must(o.AddIncident(ctx, ivo, c.ID, casework.Period{From: o.now}, ""))
	row.Revision++
	if err := o.store.Save(ctx, casework.Change{Row: row}); !errors.Is(err, casework.ErrStale) {
		t.Errorf("%v", err)
	}
}

// No sequence of actions reaches disclosure but by the procedure.
func TestNoWayAround(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOffice(t)
		at := o.now.Add(-time.Hour)
		o.call(at, nil)
		c := o.must(o.Open(ctx, ivo, claim(at)))
		var done []string
		actions := map[string]func(casework.Actor) error{
			"search":  func(a casework.Actor) error { _, err := o.Search(ctx, a, c.ID); return err },
			"select":  func(a casework.Actor) error { _, err := o.Select(ctx, a, c.ID, 1, "r"); return err },
			"warn":    func(a casework.Actor) error { _, err := o.Warn(ctx, a, c.ID); return err },
			"sent":    func(a casework.Actor) error { _, err := o.WarningSent(ctx, a, c.ID, time.Time{}); return err },
			"request": func(a casework.Actor) error { _, err := o.RequestDisclosure(ctx, a, c.ID, "r"); return err },
			"approve": func(a casework.Actor) error { _, err := o.Approve(ctx, a, c.ID, "r"); return err },
			"refuse":  func(a casework.Actor) error { _, err := o.Refuse(ctx, a, c.ID, "r"); return err },
			"notice":  func(a casework.Actor) error { _, err := o.NoticeSent(ctx, a, c.ID, time.Time{}); return err },
			"close":   func(a casework.Actor) error { _, err := o.Close(ctx, a, c.ID, "r"); return err },
			"call again": func(a casework.Actor) error {
				o.now = o.now.Add(24 * time.Hour)
				o.call(o.now.Add(-time.Minute), nil)
				_, err := o.AddIncident(ctx, a, c.ID, casework.Period{From: o.now.Add(-time.Minute)}, "")
				return err
			},
		}
		names := []string{"search", "select", "warn", "sent", "call again", "request", "approve", "notice", "close", "refuse"}
		likely := 0 // the procedure itself, with detours
		requester := ""
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			name := names[likely]
			if rapid.Bool().Draw(rt, "detour") {
				name = rapid.SampledFrom(names).Draw(rt, "action")
			}
			who := rapid.SampledFrom([]casework.Actor{ivo, sue}).Draw(rt, "actor")
			if actions[name](who) != nil {
				continue
			}
			if name == names[likely] {
				likely = min(likely+1, len(names)-1)
			}
			if name == "request" {
				requester = who.Name
			}
			if name == "approve" {
				if who.Name == requester {
					rt.Fatal("approved by the one who asked")
				}
				order := []string{"search", "select", "warn", "sent", "call again", "request"}
				for _, step := range done {
					if len(order) > 0 && step == order[0] {
						order = order[1:]
					}
				}
				if len(order) > 0 {
					rt.Fatalf("disclosed after %v", done)
				}
			}
			if name == "close" && slices.Contains(done, "approve") && !slices.Contains(done, "notice") {
				rt.Fatalf("closed without notice: %v", done)
			}
			done = append(done, name)
		}
	})
}

// Nobody unmasks every candidate by himself: an incident has one selection, and that it was
// somebody else a second person says.
func TestOneSelectionAnIncident(t *testing.T) {
	o := newOffice(t)
	first, second := o.now.Add(-10*time.Hour), o.now.Add(-2*time.Hour)
	o.call(first, nil)
	o.call(first.Add(time.Minute), func(r *trace.Record) { r.Calling = neighbour })
	o.call(second, func(r *trace.Record) { r.Calling = abroad })
	o.call(second, func(r *trace.Record) { r.Calling, r.Ingress = 0, "transit" })
	c := o.must(o.Open(ctx, ivo, claim(first, second)))
	c = o.must(o.Search(ctx, ivo, c.ID))
	n := map[numbering.Number]int{}
	for _, cand := range c.Candidates {
		n[cand.Number] = cand.N
	}
	sue := casework.Actor{Name: "sue", Role: "supervisor"}
	_, err := o.Select(ctx, sue, c.ID, n[nuisance], "r")
	forbidden(t, err) // not first
	o.must(o.Select(ctx, ivo, c.ID, n[nuisance], "r"))
	o.must(o.Select(ctx, ivo, c.ID, n[nuisance], "again the same"))
	o.must(o.Select(ctx, ivo, c.ID, n[abroad], "another incident"))
	o.must(o.Select(ctx, ivo, c.ID, n[0], "of nobody known"))
	for _, name := range []string{"ivo", " IVO "} {
		before := o.must(o.Get(ctx, ivo, c.ID))
		_, err = o.Select(ctx, casework.Actor{Name: name}, c.ID, n[neighbour], "curious")
		conflict(t, err, "a second person")
		if after := o.must(o.Get(ctx, ivo, c.ID)); after.Revision != before.Revision {
			t.Error("changed all the same")
		}
	}
	if told := o.audit.Actions(); !slices.Contains(told, "refused: select") {
		t.Errorf("%v", told)
	}
	if c = o.must(o.Select(ctx, sue, c.ID, n[neighbour], "the times fit better")); c.Selection.Candidate.Number != neighbour {
		t.Error("not selected")
	}
	_, err = o.Select(ctx, sue, c.ID, n[nuisance], "and him") // he is unmasked, but not by her
	conflict(t, err, "a second person")
}
