package trace_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var amsterdam = time.FixedZone("", 3600)

var start = time.Date(2026, 11, 23, 22, 34, 5, 678_000_000, amsterdam)

// same compares two records, times by instant and offset.
func same(a, b *trace.Record) bool {
	for _, p := range [][2]*time.Time{{&a.Start, &b.Start}, {&a.Answer, &b.Answer}, {&a.End, &b.End}, {&a.Expires, &b.Expires}, {&a.Marked, &b.Marked}} {
		_, oa := p[0].Zone()
		_, ob := p[1].Zone()
		if !p[0].Equal(*p[1]) || oa != ob {
			return false
		}
	}
	x, y := *a, *b
	for _, r := range []*trace.Record{&x, &y} {
		r.Start, r.Answer, r.End, r.Expires, r.Marked = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	}
	return x == y
}

func TestRecordSurvivesEncoding(t *testing.T) {
	for name, want := range map[string]*trace.Record{
		"full":  tracetest.Record(start),
		"chain": {Called: 1, DivertedFrom: 2, Chain: true},
		"empty": {},
		"ipv6":  {Source: netip.MustParseAddrPort("[2001:db8::1%eth0]:5061")},
	} {
		var got trace.Record
		kind, err := trace.Decode(trace.AppendRecord(nil, want), &got)
		if err != nil || kind != 0 || !same(&got, want) {
			t.Errorf("%s: kind %d, error %v, same %v", name, kind, err, same(&got, want))
		}
	}
}

func TestAnyRecordSurvivesEncoding(t *testing.T) {
	text := rapid.StringN(0, 80, -1)
	number := rapid.Custom(func(t *rapid.T) numbering.Number { return numbering.Number(rapid.Uint64().Draw(t, "n")) })
	when := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		return at.In(time.FixedZone("", rapid.IntRange(-12*3600, 14*3600).Draw(t, "offset")))
	})
	rapid.Check(t, func(t *rapid.T) {
		want := trace.Record{
			Method: text.Draw(t, "method"), Start: when.Draw(t, "start"), Answer: when.Draw(t, "answer"),
			End: when.Draw(t, "end"), Calling: number.Draw(t, "calling"), Shown: number.Draw(t, "shown"),
			Asserted: [2]numbering.Number{number.Draw(t, "pai"), number.Draw(t, "pai2")},
			Called:   number.Draw(t, "called"), DivertedFrom: number.Draw(t, "diverted"),
			CalledClass: text.Draw(t, "class"), Withhold: rapid.Bool().Draw(t, "withhold"),
			Withheld: rapid.Bool().Draw(t, "withheld"), Class: rules.Class(rapid.Byte().Draw(t, "w")),
			Rule: rules.Rule(rapid.Byte().Draw(t, "rule")), Trust: trace.Trust(rapid.Byte().Draw(t, "trust")),
			Revision: rapid.Uint64().Draw(t, "revision"), Ingress: text.Draw(t, "in"), Egress: text.Draw(t, "out"),
			CallIDIn: text.Draw(t, "idin"), CallIDOut: text.Draw(t, "idout"),
			Status: rapid.IntRange(0, 699).Draw(t, "status"), Bases: trace.Basis(rapid.Byte().Draw(t, "bases")),
			Expires: when.Draw(t, "expires"),
		}
		var got trace.Record
		if _, err := trace.Decode(trace.AppendRecord(nil, &want), &got); err != nil || !same(&got, &want) {
			t.Fatalf("error %v, same %v", err, same(&got, &want))
		}
	})
}

func TestUpdateTouchesOnlyWhatItHolds(t *testing.T) {
	full := tracetest.Record(start)
	for _, c := range []struct {
		update trace.Record
		kind   byte
		want   func(r *trace.Record)
	}{
		{trace.Record{Answer: start.Add(9 * time.Second)}, 1, func(r *trace.Record) { r.Answer = start.Add(9 * time.Second) }},
		{trace.Record{End: start.Add(time.Hour)}, 2, func(r *trace.Record) { r.End = start.Add(time.Hour) }},
		{trace.Record{Status: 486}, 4, func(r *trace.Record) { r.Status = 486 }},
		{trace.Record{Mark: trace.MarkMessage, Marked: start}, 8, func(r *trace.Record) { r.Mark, r.Marked = trace.MarkMessage, start }},
		{trace.Record{End: start, Status: 487, Mark: trace.MarkUnanswered, Marked: start}, 14, func(r *trace.Record) {
			r.End, r.Status, r.Mark, r.Marked = start, 487, trace.MarkUnanswered, start
		}},
		{trace.Record{End: start, Status: 603}, 6, func(r *trace.Record) { r.End, r.Status = start, 603 }},
	} {
		c.update.ID = full.ID
		got, want := *full, *full
		c.want(&want)
		kind, err := trace.Decode(trace.AppendUpdate(nil, &c.update), &got)
		if err != nil || kind != c.kind || !same(&got, &want) {
			t.Errorf("kind %d, want %d; error %v; same %v", kind, c.kind, err, same(&got, &want))
		}
	}
}

func TestTold(t *testing.T) {
	early := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	late := early.Add(time.Minute)
	id := trace.NewID(early)
	for name, c := range map[string]struct {
		value []byte
		want  time.Time
	}{
		"answer":       {trace.AppendUpdate(nil, &trace.Record{ID: id, Answer: early, Status: 200}), early},
		"end":          {trace.AppendUpdate(nil, &trace.Record{ID: id, Answer: early, End: late}), late},
		"mark":         {trace.AppendUpdate(nil, &trace.Record{ID: id, End: early, Mark: trace.MarkCode, Marked: late}), late},
		"no time":      {trace.AppendUpdate(nil, &trace.Record{ID: id, Status: 487}), time.Time{}},
		"a record":     {trace.AppendRecord(nil, &trace.Record{ID: id, Start: early, End: late}), time.Time{}},
		"what is none": {[]byte{1, 2, 7}, time.Time{}},
	} {
		if got := (trace.Entry{ID: id, Value: c.value}).Told(); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := trace.AppendRecord(nil, tracetest.Record(start))
	var r trace.Record
	for n := range good {
		if _, err := trace.Decode(good[:n], &r); !errors.Is(err, trace.ErrDecode) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(good), err)
		}
	}
	if _, err := trace.Decode(append(good, 0), &r); !errors.Is(err, trace.ErrDecode) {
		t.Errorf("one byte too many: %v", err)
	}
	if _, err := trace.Decode([]byte{9, 0}, &r); !errors.Is(err, trace.ErrVersion) {
		t.Errorf("version 9: %v", err)
	}
	if _, err := trace.Decode([]byte{1, 8}, &r); !errors.Is(err, trace.ErrDecode) {
		t.Errorf("unknown kind: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	r := tracetest.Record(start)
	f.Add(trace.AppendRecord(nil, r))
	f.Add(trace.AppendUpdate(nil, r))
	f.Add(trace.AppendRecord(nil, new(trace.Record)))
	f.Add(newKeys(f, new(keyring.Memory)).AppendSealed(nil, r))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second trace.Record
		kind, err := trace.Decode(b, &first)
		if err != nil || first.Closed() {
			return
		}
		again := trace.AppendRecord(nil, &first)
		if kind != 0 {
			again = trace.AppendUpdate(nil, &first)
		}
		if _, err := trace.Decode(again, &second); err != nil || !same(&first, &second) {
			t.Fatalf("decoded and encoded again: %v\n%x\n%x", err, b, again)
		}
	})
}

func TestAssembler(t *testing.T) {
	one, two := tracetest.Record(start), tracetest.Record(start.Add(time.Second))
	orphan := tracetest.Record(start.Add(time.Millisecond))
	update := &trace.Record{ID: one.ID, Status: 486}
	broken := trace.Entry{ID: trace.NewID(start.Add(500 * time.Millisecond)), Value: []byte{1, 0, 9}}
	misfiled := trace.Entry{ID: trace.NewID(start.Add(600 * time.Millisecond)), Value: trace.AppendRecord(nil, two)}

	var got []*trace.Record
	a := trace.NewAssembler(func(r *trace.Record) bool { got = append(got, r); return true })
	for _, e := range []trace.Entry{
		{ID: one.ID, Value: trace.AppendRecord(nil, one)},
		{ID: one.ID, Value: trace.AppendUpdate(nil, update)},
		{ID: orphan.ID, Value: trace.AppendUpdate(nil, orphan)},
		broken,
		misfiled,
		{ID: two.ID, Value: trace.AppendRecord(nil, two)},
	} {
		if !a.Add(e) {
			t.Fatal("stopped")
		}
	}
	if err := a.Close(); !errors.Is(err, trace.ErrDecode) {
		t.Errorf("two unreadable entries: %v", err)
	}
	one.Status = 486
	if len(got) != 2 || !same(got[0], one) || !same(got[1], two) {
		t.Errorf("got %d records", len(got))
	}
}

func TestAssemblerStops(t *testing.T) {
	calls := 0
	a := trace.NewAssembler(func(*trace.Record) bool { calls++; return false })
	one, two := tracetest.Record(start), tracetest.Record(start.Add(time.Second))
	if !a.Add(trace.Entry{ID: one.ID, Value: trace.AppendRecord(nil, one)}) {
		t.Error("stopped before the first record was whole")
	}
	if a.Add(trace.Entry{ID: two.ID, Value: trace.AppendRecord(nil, two)}) {
		t.Error("went on")
	}
	if err := a.Close(); err != nil || calls != 1 {
		t.Errorf("error %v, %d calls", err, calls)
	}
}

func TestIDsAreOrderedByTimeAndUnique(t *testing.T) {
	seen := map[trace.ID]bool{}
	last := trace.ID{}
	for i := range 1000 {
		at := start.Add(time.Duration(i) * time.Millisecond)
		id := trace.NewID(at)
		if bytes.Compare(id[:], last[:]) <= 0 || seen[id] {
			t.Fatalf("ID %d is not above the one before", i)
		}
		if first := trace.FirstID(at); bytes.Compare(first[:], id[:]) > 0 {
			t.Fatalf("FirstID is above an ID of its millisecond")
		}
		if !id.Time().Equal(at) {
			t.Fatalf("time %v, want %v", id.Time(), at)
		}
		seen[id], last = true, id
	}
	if id, err := trace.ParseID(last.String()); err != nil || id != last {
		t.Errorf("parsed %v, %v", id, err)
	}
	if lo, hi := trace.FirstID(time.Time{}), trace.FirstID(time.Unix(1<<40, 0)); lo != (trace.ID{}) || hi[0] != 0xff {
		t.Errorf("ends of time: %x %x", lo, hi)
	}
}

func TestNewIDDoesNotAllocate(t *testing.T) {
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { _ = trace.NewID(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
