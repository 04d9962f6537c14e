package casework_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

func (o *office) mark(id trace.ID, at time.Time) string {
	o.t.Helper()
	c, err := o.Mark(ctx, casework.Mark{Record: id, Called: claimed, At: at, How: "message", Marked: at.Add(time.Minute)})
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// The record of a marked call is evidence from then on: the call is found when the record
// itself is gone, and nothing tells whose it was before he is selected.
func TestMarkFreezesTheRecord(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	call := o.call(at, nil)
	id := o.mark(call, at)
	if again := o.mark(call, at); again != id {
		t.Error("a mark filed again opens another case")
	}
	*o.recordsIn = tracetest.Store{}
	c := o.must(o.Get(ctx, ivo, id))
	shown, _ := json.Marshal(c.View())
	if len(c.Incidents) != 1 || !c.Incidents[0].Reported.Equal(at.Add(time.Minute)) || strings.Contains(string(shown), nuisance.E164()[1:]) {
		t.Fatalf("%d incidents: %s", len(c.Incidents), shown)
	}
	cl := claim(at)
	o.must(o.Complete(ctx, ivo, id, cl))
	c = o.must(o.Search(ctx, ivo, id))
	if len(c.Candidates) != 1 || strings.Contains(candidateNumbers(c), nuisance.E164()) {
		t.Fatalf("candidates %q", candidateNumbers(c))
	}
	c = o.must(o.Select(ctx, ivo, id, 1, "the one that was marked"))
	if text := o.letter(c, 1); !strings.Contains(text, nuisance.E164()) || !strings.Contains(text, call.String()) {
		t.Errorf("evidence: %s", text)
	}
}

// A draft that nobody completes is not kept for ever; a completed one is a case.
func TestDraftOfMarksIsGone(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	id := o.mark(o.call(at, nil), at)
	o.now = o.now.AddDate(0, 2, 0)
	at = o.now.Add(-time.Hour)
	if joined := o.mark(o.call(at, nil), at); joined != id {
		t.Error("the second mark opened a case of its own")
	}
	o.now = o.now.AddDate(0, 2, 0)
	if _, err := o.Get(ctx, ivo, id); err != nil {
		t.Errorf("two months after its last mark: %v", err)
	}
	o.now = o.now.AddDate(0, 1, 1)
	if _, err := o.Get(ctx, ivo, id); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("three months after its last mark: %v", err)
	}
	at = o.now.Add(-time.Hour)
	next := o.mark(o.call(at, nil), at)
	if next == id {
		t.Error("a mark joined a draft whose time is over")
	}
	o.must(o.Complete(ctx, ivo, next, claim(at)))
	o.now = o.now.AddDate(0, 6, 0)
	if _, err := o.Get(ctx, ivo, next); err != nil {
		t.Errorf("a completed case: %v", err)
	}
}

// together lets nobody go on after its first list before all have one.
type together struct {
	casework.Store
	all   *sync.WaitGroup
	first sync.Once
}

func (s *together) List(ctx context.Context, f casework.Filter, each func(casework.Row) bool) error {
	err := s.Store.List(ctx, f, each)
	s.first.Do(func() {
		s.all.Done()
		s.all.Wait()
	})
	return err
}

// Two nodes that file the first marks of a subscriber at one moment open one draft.
func TestNodesOpenOneDraft(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	calls := [2]trace.ID{o.call(at, nil), o.call(at, nil)}
	var ids [len(calls)]string
	var listed, done sync.WaitGroup
	listed.Add(len(calls))
	for i, call := range calls {
		node := o.with(&together{Store: o.store, all: &listed})
		done.Go(func() {
			var err error
			if ids[i], err = node.Mark(ctx, casework.Mark{Record: call, Called: claimed, At: at, How: "code"}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	c := o.must(o.Get(ctx, ivo, ids[0]))
	if ids[0] != ids[1] || len(c.Incidents) != 2 {
		t.Errorf("%q, %d incidents", ids, len(c.Incidents))
	}
}

// A mark whose record cannot be had is not filed: whoever brings it tries again.
func TestMarkNeedsItsRecord(t *testing.T) {
	o := newOffice(t)
	m := casework.Mark{Record: trace.NewID(o.now), Called: claimed, At: o.now, How: "code"}
	if id, err := o.Mark(ctx, m); err == nil {
		t.Errorf("filed in %s", id)
	}
	if list, err := o.List(ctx, ivo, "", 0); err != nil || len(list) != 0 {
		t.Errorf("%d cases, %v", len(list), err)
	}
}

// Marks beyond what one case can search begin another.
func TestManyMarks(t *testing.T) {
	o := newOffice(t)
	first := ""
	for i := range 101 {
		at := o.now.Add(time.Duration(i-200) * time.Minute)
		id := o.mark(o.call(at, nil), at)
		switch {
		case i == 0:
			first = id
		case id != first && i < 100, id == first && i == 100:
			t.Fatalf("mark %d: %v", i, id == first)
		}
	}
	c := o.must(o.Complete(ctx, ivo, first, claim(o.now.Add(-time.Hour))))
	if c.State != casework.Open {
		t.Error(c.State)
	}
}
