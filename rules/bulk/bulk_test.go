package bulk

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/store/sqlite"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var plan = func() *numbering.Plan {
	p, err := numbering.NewPlan("NL", nil)
	if err != nil {
		panic(err)
	}
	return p
}()

// memory is a Service and Lister of a map.
type memory struct {
	subs    map[numbering.Number]rules.Subscriber
	batches []int
	by      []rules.By
	fails   error
}

func (m *memory) Write(_ context.Context, writes []rules.Write, by rules.By) (w rules.Written, err error) {
	if m.fails != nil {
		return w, m.fails
	}
	m.batches, m.by = append(m.batches, len(writes)), append(m.by, by)
	for _, part := range writes {
		var before *rules.Subscriber
		if sub, ok := m.subs[part.Number]; ok {
			before = &sub
		}
		if item, ok := w.Make(part, before, 1); ok {
			m.subs[item.Number] = *item.After
		}
	}
	return w, nil
}

func (m *memory) Would(_ context.Context, writes []rules.Write) (w rules.Written, err error) {
	for _, part := range writes {
		var before *rules.Subscriber
		if sub, ok := m.subs[part.Number]; ok {
			before = &sub
		}
		w.Make(part, before, 1)
	}
	return w, m.fails
}

func (m *memory) List(_ context.Context, after numbering.Number, limit int) (list []rules.Versioned, err error) {
	for n, sub := range m.subs {
		if n > after {
			list = append(list, rules.Versioned{Subscriber: sub})
		}
	}
	slices.SortFunc(list, func(a, b rules.Versioned) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	return list[:min(len(list), limit)], m.fails
}

func newMemory() *memory { return &memory{subs: map[numbering.Number]rules.Subscriber{}} }

func run(t *testing.T, m *memory, format, text string, o Options) (Progress, error) {
	t.Helper()
	o.Format, o.Plan = format, plan
	if o.Now == nil {
		o.Now = func() time.Time { return time.Unix(1e9, 0) }
	}
	return Import(context.Background(), m, strings.NewReader(text), o, nil)
}

func n(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

func TestImportForms(t *testing.T) {
	want := map[numbering.Number]rules.Subscriber{
		n("31201234567"): {Number: n("31201234567"), CLIR: rules.CLIRPermanent, CLIPOff: true, ACR: true, TIR: rules.TIRPermanent, Override: true, ShieldOnBills: true, MCID: rules.MCIDPermanent,
			Note: "a, \"b\"; c\r\nd", Until: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)},
		n("31201234568"): {Number: n("31201234568")},
	}
	for name, c := range map[string]struct{ format, text string }{
		"csv": {CSV, "number,clir,clip,acr,tir,override,shield_on_bills,note,until,mcid\n" +
			"+31201234567,permanent,false,true,permanent,true,true,\"a, \"\"b\"\"; c\r\nd\",2030-01-02T03:04:05Z,permanent\n\n0201234568,,,,,,,,,\n"},
		"csv, other order, line ends, byte order mark, no last line end": {CSV, "\ufeffNote,until,number,CLIR,tir,shield_on_bills,override,acr,clip,MCID\r\n" +
			"\"a, \"\"b\"\"; c\r\nd\",2030-01-02T04:04:05+01:00,'+31201234567, permanent ,permanent,1,TRUE,True,0,permanent\r\n,,020 123 4568,none,none,false,false,false,true,none"},
		"csv with semicolons, few columns": {CSV, "number;clir;clip;acr;tir;override;shield_on_bills;mcid;until;note\n" +
			"+31201234567;permanent;false;true;permanent;true;true;permanent;2030-01-02T03:04:05Z;\"a, \"\"b\"\"; c\r\nd\"\n+31201234568;;;;;;;;;\n"},
		"json lines": {JSONLines, `{"number":"+31201234567","clir":"permanent","clip":false,"acr":true,"tir":"permanent","override":true,"shield_on_bills":true,"mcid":"permanent","note":"a, \"b\"; c\r\nd","until":"2030-01-02T03:04:05Z"}` +
			"\r\n\n" + `{"number":"0201234568"}`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			p, err := run(t, m, c.format, c.text, Options{By: rules.By{Job: "j"}})
			if err != nil || p.Rows != 2 || p.Done != 2 || p.Changed != 2 || p.Bad != 0 || p.Bytes != int64(len(c.text)) {
				t.Fatalf("%+v, %v", p, err)
			}
			for number, w := range want {
				if m.subs[number] != w {
					t.Errorf("%+v, want %+v", m.subs[number], w)
				}
			}
			if len(m.by) != 1 || m.by[0] != (rules.By{Job: "j", JobRow: 2}) {
				t.Errorf("%+v", m.by)
			}
		})
	}
}

func TestBadRows(t *testing.T) {
	head := "number,clir,until,acr\n"
	for name, c := range map[string]struct {
		format, text string
		line         uint64
		field        string
	}{
		"no number":         {CSV, head + ",permanent,,\n", 2, "number"},
		"short number":      {CSV, head + "\n112,,,\n", 3, "number"},
		"emergency":         {CSV, head + "+31112,,,\n", 2, "number"},
		"impossible number": {CSV, head + "+3120123,,,\n", 2, "number"},
		"clir":              {CSV, head + "+31201234567,always,,\n", 2, "clir"},
		"flag":              {CSV, head + "+31201234567,,,yes\n", 2, "acr"},
		"until":             {CSV, head + "+31201234567,,tomorrow,\n", 2, "until"},
		"until past":        {CSV, head + "+31201234567,,2001-01-01T00:00:00Z,\n", 2, "until"},
		"not UTF-8":         {CSV, "number,note\n+31201234567,caf\xe9\n", 2, "note"},
		"too few fields":    {CSV, head + "+31201234567,,\n", 2, ""},
		"too many fields":   {CSV, head + "+31201234567,,,,\n", 2, ""},
		"quote within":      {CSV, head + "+31201234567,a\"b\",,\n", 2, ""},
		"text behind quote": {CSV, head + "\"+31201234567\"x,,,\n", 2, ""},
		"quote left open":   {CSV, head + "\"+31201234567,,,\n", 2, ""},
		"long line":         {CSV, head + strings.Repeat("x", maxRow+1) + "\n", 2, ""},
		"json":              {JSONLines, "\n{\"number\"\n", 2, ""},
		"json field":        {JSONLines, `{"number":"+31201234567","acr":1}`, 1, "acr"},
		"json unknown":      {JSONLines, `{"number":"+31201234567","x":1}`, 1, "x"},
		"json no number":    {JSONLines, `{"acr":true}`, 1, "number"},
		"json long line":    {JSONLines, strings.Repeat(" ", maxRow+1) + "\n", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			p, err := run(t, m, c.format, c.text, Options{})
			var bad *BadRowError
			if !errors.As(err, &bad) || bad.Line != c.line || bad.Field != c.field || bad.Row != 1 || bad.Wrong == "" || bad.Mend == "" || p.Bad != 1 || p.Done != 0 {
				t.Fatalf("%+v, %v", p, err)
			}
			if strings.Contains(err.Error(), "201234") {
				t.Errorf("the error holds a number: %v", err)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	for text, want := range map[string]string{
		"": "missing", "clir\n": "number is missing", "number,clir,number\n": "twice", "number,colour\n": "column 2 is unknown",
		"+31201234567,permanent\n": "column 1 is unknown", "num\"ber\n": "no CSV", strings.Repeat("x", maxRow+1): "too long",
	} {
		var header *HeaderError
		if _, err := run(t, newMemory(), CSV, text, Options{}); !errors.As(err, &header) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "201234") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	if _, err := run(t, newMemory(), "xls", "x", Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
	if _, err := Export(context.Background(), newMemory(), io.Discard, "xls", nil); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
}

func table(from, to int, bad ...int) string {
	var b strings.Builder
	b.WriteString("number,acr\n")
	for i := from; i < to; i++ {
		if slices.Contains(bad, i) {
			b.WriteString("nobody,true\n")
		} else {
			fmt.Fprintf(&b, "+3120123%04d,true\n", i)
		}
	}
	return b.String()
}

// A batch is written whole or not at all, and a later run goes on behind it.
func TestBrokenOffAndResumed(t *testing.T) {
	m := newMemory()
	p, err := run(t, m, CSV, table(0, 50, 27), Options{Batch: 10})
	var bad *BadRowError
	if !errors.As(err, &bad) || bad.Row != 28 || bad.Line != 29 || p.Done != 20 || len(m.subs) != 20 || p.Rows != 30 {
		t.Fatalf("%+v, %v, %d written", p, err, len(m.subs))
	}
	p, err = run(t, m, CSV, table(0, 50), Options{Batch: 10, Skip: p.Done})
	if err != nil || p.Rows != 50 || p.Done != 50 || p.Changed != 30 || p.Same != 0 || len(m.subs) != 50 || len(m.batches) != 5 {
		t.Errorf("%+v, %v, batches %v", p, err, m.batches)
	}
	p, err = run(t, m, CSV, table(0, 50), Options{Batch: 7})
	if err != nil || p.Changed != 0 || p.Same != 50 {
		t.Errorf("the same again: %+v, %v", p, err)
	}
	away := errors.New("away")
	m.fails = away
	if p, err = run(t, m, CSV, table(50, 70), Options{Batch: 10}); !errors.Is(err, away) || p.Done != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestBadRowsLeftOut(t *testing.T) {
	m, told := newMemory(), 0
	p, err := run(t, m, CSV, table(0, 3000, 5, 17, 2999), Options{Batch: 10, SkipBad: true, Bad: func(b BadRow) { told++ }})
	if err != nil || p.Bad != 3 || told != 3 || len(p.BadRows) != 3 || p.BadRows[1].Row != 18 || p.BadRows[1].Line != 19 || p.Changed != 2997 || p.Done != 3000 {
		t.Errorf("%+v, %v", p, err)
	}
	all := make([]int, 1500)
	for i := range all {
		all[i] = i
	}
	p, err = run(t, m, CSV, table(0, 1500, all...), Options{SkipBad: true})
	if err != nil || p.Bad != 1500 || len(p.BadRows) != maxBadRows {
		t.Errorf("%d bad, %d listed, %v", p.Bad, len(p.BadRows), err)
	}
}

func TestDryRun(t *testing.T) {
	m := newMemory()
	p, err := run(t, m, CSV, table(0, 50, 3, 30), Options{Batch: 10, DryRun: true})
	if err != nil || p.Rows != 50 || p.Bad != 2 || p.Changed != 48 || len(m.subs) != 0 || len(m.batches) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestProgress(t *testing.T) {
	now, m := time.Unix(1e9, 0), newMemory()
	var seen []Progress
	text := table(0, 40)
	o := Options{Format: CSV, Plan: plan, Batch: 10, Now: func() time.Time { now = now.Add(time.Second); return now }}
	// Read by halves, so that bytes grow with rows.
	if _, err := Import(context.Background(), m, strings.NewReader(text), o, func(p Progress) { seen = append(seen, p) }); err != nil {
		t.Fatal(err)
	}
	last := seen[len(seen)-1]
	if len(seen) < 4 || last.Rows != 40 || last.Elapsed <= 0 || last.Rate() <= 0 || last.Left(last.Bytes) != 0 {
		t.Errorf("%+v", seen)
	}
	if half := (Progress{Bytes: 100, Elapsed: time.Minute}); half.Left(300) != 2*time.Minute || (&Progress{}).Rate() != 0 || (&Progress{}).Left(5) != 0 {
		t.Error("time left")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := newMemory()
	in, out := io.Pipe()
	go func(out *io.PipeWriter) {
		_, _ = io.WriteString(out, table(0, 25))
		cancel()
		_ = out.Close()
	}(out)
	_, err := Import(ctx, m, in, Options{Format: CSV, Plan: plan, Batch: 10}, nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	in, out = io.Pipe()
	broken := errors.New("connection reset")
	go func(out *io.PipeWriter) { _, _ = io.WriteString(out, table(0, 25)); _ = out.CloseWithError(broken) }(out)
	if p, err := Import(context.Background(), newMemory(), in, Options{Format: CSV, Plan: plan, Batch: 10}, nil); !errors.Is(err, broken) || p.Done != 25 {
		t.Errorf("%+v, %v", p, err)
	}
}

// What is exported is imported as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from := newMemory()
		for i := range rapid.IntRange(0, 6).Draw(rt, "subscribers") {
			sub := rules.Subscriber{
				Number: n(fmt.Sprintf("3120123%04d", i)), CLIR: rules.CLIR(rapid.IntRange(0, 3).Draw(rt, "clir")), TIR: rules.TIR(rapid.IntRange(0, 2).Draw(rt, "tir")),
				CLIPOff: rapid.Bool().Draw(rt, "clip"), ACR: rapid.Bool().Draw(rt, "acr"), Override: rapid.Bool().Draw(rt, "override"), ShieldOnBills: rapid.Bool().Draw(rt, "shield"),
				Note: strings.ReplaceAll(rapid.OneOf(rapid.StringN(0, 20, 100), rapid.StringMatching(`[-=+@'" ,;\r\n\ta]{0,6}`)).Draw(rt, "note"), "\x00", ""),
			}
			if rapid.Bool().Draw(rt, "ends") {
				sub.Until = time.Unix(rapid.Int64Range(1e9+1, 4e9).Draw(rt, "until"), 0).UTC()
			}
			from.subs[sub.Number] = sub
		}
		format := rapid.SampledFrom([]string{CSV, JSONLines}).Draw(rt, "format")
		var file bytes.Buffer
		rows, err := Export(context.Background(), from, &file, format, nil)
		if err != nil || rows != uint64(len(from.subs)) {
			rt.Fatalf("%d exported, %v", rows, err)
		}
		to := newMemory()
		o := Options{Format: format, Plan: plan, Now: func() time.Time { return time.Unix(1e9, 0) }}
		if p, err := Import(context.Background(), to, &file, o, nil); err != nil || p.Rows != rows {
			rt.Fatalf("%+v, %v", p, err)
		}
		for number, want := range from.subs {
			if to.subs[number] != want {
				rt.Fatalf("%+v, want %+v", to.subs[number], want)
			}
		}
	})
}

// A row is cut as encoding/csv cuts it.
func FuzzSplit(f *testing.F) {
	f.Add(`a,b,"c ""d"", e",`)
	f.Add("\"a\nb\",c")
	f.Add(`a"b`)
	f.Fuzz(func(t *testing.T, row string) {
		if row == "" || strings.Contains(row, "\r") || strings.Contains(row, "\x00") {
			return
		}
		got, ok := split(row, ',', nil)
		r := csv.NewReader(strings.NewReader(row))
		r.FieldsPerRecord = -1
		want, err := r.Read()
		if ok && err == nil && strings.Count(row, "\n") == strings.Count(strings.Join(want, ""), "\n") && !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", row, got, want)
		}
	})
}

func FuzzImport(f *testing.F) {
	f.Add(true, table(0, 3, 1))
	f.Add(false, `{"number":"+31201234567","until":null}`)
	f.Fuzz(func(t *testing.T, isCSV bool, text string) {
		format := JSONLines
		if isCSV {
			format = CSV
		}
		m := newMemory()
		p, err := Import(context.Background(), m, strings.NewReader(text), Options{Format: format, Plan: plan, SkipBad: true, Batch: 2}, nil)
		if err == nil && (p.Done != p.Rows || p.Bad+p.Changed+p.Same != p.Rows && len(m.batches) < 2) && len(m.subs) == int(p.Changed) && p.Rows > 2 {
			t.Errorf("%+v", p)
		}
		for number := range m.subs {
			if !plan.Possible(number) {
				t.Error("an impossible number was taken")
			}
		}
	})
}

// Through a store: in force, in the history, reverted as one.
func TestIntoStore(t *testing.T) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := rules.NewService(db.Rules(), new(rules.Table))
	if err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := Import(ctx, s, strings.NewReader(table(0, 1000)), Options{Format: CSV, Plan: plan, Batch: 300, By: rules.By{Actor: "noc:alice", Job: "j"}}, nil)
	if err != nil || p.Changed != 1000 || s.Table().Snapshot().Len() != 1000 || s.Table().Snapshot().Revision() != 4 {
		t.Fatalf("%+v, %v", p, err)
	}
	var file bytes.Buffer
	if rows, err := Export(ctx, s, &file, CSV, nil); err != nil || rows != 1000 {
		t.Errorf("%d, %v", rows, err)
	}
	done := 0
	if err := s.RevertJob(ctx, "j", rules.By{Actor: "noc:alice"}, func(rules.Written) { done++ }); err != nil || done != 4 || s.Table().Snapshot().Len() != 0 {
		t.Errorf("%d reverted, %d left, %v", done, s.Table().Snapshot().Len(), err)
	}
}
