package bills_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/casework/bills"
	"clirgate/numbering"
)

var (
	ctx      = context.Background()
	shielded = numbering.New(numbering.International, []byte("31705550199"))
	open     = numbering.New(numbering.International, []byte("31705550188"))
	december = date("2026-12-01")
)

func date(s string) bills.Date {
	d, err := bills.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func plan(t testing.TB) *numbering.Plan {
	t.Helper()
	p, err := numbering.NewPlan("NL", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func list() *bills.List {
	return bills.NewList([]bills.Entry{
		{Number: shielded, From: december},
		{Number: numbering.New(numbering.Short, []byte("112")), From: december},
		{Number: numbering.New(numbering.International, []byte("31612345678")), From: december, Until: december + 10},
	})
}

func shield(t testing.TB, in string, columns ...string) (string, bills.Result) {
	t.Helper()
	var out bytes.Buffer
	if len(columns) == 0 {
		columns = []string{"called"}
	}
	res, err := bills.Shield(ctx, strings.NewReader(in), &out, list(), bills.Options{Columns: columns, Date: "date", Plan: plan(t)})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), res
}

// NV1, NV2: every spelling is masked, what is not shielded is not.
func TestSpellings(t *testing.T) {
	for in, want := range map[string]string{
		"0705550199":                  "070555****",
		"+31705550199":                "+3170555****",
		"0031705550199":               "003170555****",
		"31705550199":                 "3170555****",
		"070-5550199":                 "070-555****",
		"070 - 555 01 99":             "070 - 555 ** **",
		"(070) 555.01.99":             "(070) 555.**.**",
		"+31 (0)70 555 0199":          "+31 (0)70 555 ****",
		"+31\u00a070\u00a05550199":    "+31\u00a070\u00a0555****",
		"070\u20115550199":            "070\u2011555****",
		"070/5550199":                 "070/555****",
		"tel:+31-70-5550199":          "tel:+31-70-555****",
		"sip:+31705550199@example.nl": "sip:+3170555****@example.nl",
		"*31*0705550199":              "*31*070555****",
		"#31#+31705550199":            "#31#+3170555****",
		"1310705550199":               "131070555****",
		"16010705550199":              "1601070555****",
		"%2B31705550199":              "%2B3170555****",
		`"0705550199"`:                `"070555****"`,
		`"=""0705550199"""`:           `"=""070555****"""`,
		"0705550199 (Den Haag)":       "070555**** (Den Haag)",
		"Jan: 070 555 0199":           "Jan: 070 555 ****",
		"0705550199 0705550199":       "070555**** 070555****",
		"0705550188 0705550199":       "0705550188 070555****",
		"112":                         "***",

		"0705550188":      "0705550188",
		"0800-0402":       "0800-0402",
		"144":             "144",
		"0199":            "0199",
		"5550199":         "5550199",
		"10705550199":     "10705550199",
		"07055501990":     "07055501990",
		"+32705550199":    "+32705550199",
		"+1 31705550199":  "+1 31705550199",
		"":                "",
		"anonymous":       "anonymous",
		"070,5550199":     "070,5550199", // two fields
		`"070, 5550199"`:  `"070, 5550199"`,
		"2026-12-24 0199": "2026-12-24 0199",
	} {
		got, _ := shield(t, "date,called\n2026-12-24,"+in+"\n")
		if got != "date,called\n2026-12-24,"+want+"\n" {
			t.Errorf("%q: %q", in, strings.TrimPrefix(got, "date,called\n"))
		}
		if want != in && strings.Contains(got, "0199") {
			t.Errorf("%q: last digits left", in)
		}
	}
}

// The date of the call decides.
func TestDates(t *testing.T) {
	for in, want := range map[string]bool{
		"2026-11-30": false, "2026-12-01": true, "2027-05-05": true,
		"2026-12-01T00:00:00+01:00": true, "2026-11-30 23:59:59": false, `"2026-12-01 00:00"`: true,
		"01-12-2026": true, "30/11/2026": false, "1-12-2026": true, "20261201": true, "20261130235959": false,
		"":             true, // not known: shielded
		"last tuesday": true,
	} {
		got, res := shield(t, "date,called\n"+in+",0705550199\n")
		if strings.Contains(got, "****") != want {
			t.Errorf("%q: %q", in, got)
		}
		if unknown := in == "" || strings.HasPrefix(in, "l"); (res.NoDate == 1) != unknown {
			t.Errorf("%q: %d dates unknown", in, res.NoDate)
		}
	}
	for in, want := range map[string]bool{"2026-12-10": true, "2026-12-11": false} {
		if got, _ := shield(t, "date,called\n"+in+",0612345678\n"); strings.Contains(got, "****") != want {
			t.Errorf("until the 11th, on %s: %q", in, got)
		}
	}
}

func TestForms(t *testing.T) {
	for name, c := range map[string][2]string{
		"semicolons":    {"Date;Called;Cost\n2026-12-02;0705550199;1,50\n", "Date;Called;Cost\n2026-12-02;070555****;1,50\n"},
		"tabs":          {"date\tcalled\n2026-12-02\t0705550199\n", "date\tcalled\n2026-12-02\t070555****\n"},
		"CRLF":          {"date,called\r\n2026-12-02,0705550199\r\n", "date,called\r\n2026-12-02,070555****\r\n"},
		"no last end":   {"date,called\n2026-12-02,0705550199", "date,called\n2026-12-02,070555****"},
		"BOM":           {"\ufeffcalled,date\n0705550199,2026-12-02\n", "\ufeffcalled,date\n070555****,2026-12-02\n"},
		"quoted header": {"\"date\",\"called\"\n2026-12-02,0705550199\n", "\"date\",\"called\"\n2026-12-02,070555****\n"},
		"line in field": {"date,note,called\n2026-12-02,\"a\n0705550199,\"\"b\",0705550199\n", "date,note,called\n2026-12-02,\"a\n0705550199,\"\"b\",070555****\n"},
		"quote inside":  {"date,note,called\n2026-12-02,5\" pipe,0705550199\n2026-12-02,x,0705550199\n", "date,note,called\n2026-12-02,5\" pipe,070555****\n2026-12-02,x,070555****\n"},
		"short row":     {"date,called\n2026-12-02\n\n2026-12-02,0705550199\n", "date,called\n2026-12-02\n\n2026-12-02,070555****\n"},
		"not UTF-8":     {"date,called\n2026-12-02,\xff 0705550199 \xfe\n", "date,called\n2026-12-02,\xff 070555**** \xfe\n"},
	} {
		if got, _ := shield(t, c[0]); got != c[1] {
			t.Errorf("%s: %q", name, got)
		}
	}
	got, res := shield(t, "date,called,also\n2026-12-02,0705550199,+31705550199\n", "called")
	if res.Another != 1 || !strings.Contains(got, "+31705550199") {
		t.Errorf("a second column is not told of: %+v", res)
	}
	if got, res = shield(t, "date,called,also\n2026-12-02,0705550199,+31705550199\n", "called", "also"); res.Another != 0 || strings.Contains(got, "0199") {
		t.Errorf("two columns: %q", got)
	}
}

func TestShieldRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		o    bills.Options
		want string
	}{
		"empty":      {"", bills.Options{Columns: []string{"called"}, Date: "date"}, "header"},
		"no column":  {"date,x\n", bills.Options{Columns: []string{"called"}, Date: "date"}, `no column "called"`},
		"no date":    {"x,called\n", bills.Options{Columns: []string{"called"}, Date: "date"}, `no column "date"`},
		"none named": {"date,called\n", bills.Options{Date: "date"}, "no column"},
		"twice":      {"date,called,Called\n", bills.Options{Columns: []string{"called"}, Date: "date"}, "two columns"},
		"no header":  {"0705550199,0705550199\n", bills.Options{Columns: []string{"called"}, Date: "date"}, "columns 1 and 2"},
		"open quote": {"date,called\n1,\"0705550199" + strings.Repeat("x", 2<<20), bills.Options{Columns: []string{"called"}, Date: "date"}, "line 2"},
	} {
		c.o.Plan = plan(t)
		_, err := bills.Shield(ctx, strings.NewReader(c.in), new(bytes.Buffer), list(), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "0199") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the bytes: the length stays, only digits become stars, and only in the column.
func FuzzShield(f *testing.F) {
	f.Add([]byte("2026-12-02,0705550199,x\n2026-12-02,\"+31 70 555\n0199\",\"\"\"\n"))
	f.Add([]byte("\"\n,;\"\",070"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := append([]byte("date,called,other\n"), body...)
		var out bytes.Buffer
		if _, err := bills.Shield(ctx, bytes.NewReader(in), &out, list(), bills.Options{Columns: []string{"called"}, Date: "date", Plan: plan(t)}); err != nil {
			return
		}
		if out.Len() != len(in) {
			t.Fatalf("%d bytes became %d", len(in), out.Len())
		}
		for i, c := range out.Bytes() {
			if c != in[i] && (c != '*' || in[i] < '0' || in[i] > '9') {
				t.Fatalf("byte %d: %q became %q", i, in[i], c)
			}
		}
		var again bytes.Buffer
		if _, err := bills.Shield(ctx, bytes.NewReader(out.Bytes()), &again, list(), bills.Options{Columns: []string{"called"}, Date: "date", Plan: plan(t)}); err != nil {
			t.Fatalf("what was shielded cannot be read: %v", err)
		}
	})
}

// Any spelling made of separators and prefixes is found.
func TestAnySpelling(t *testing.T) {
	p := plan(t)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]string{"0705550199", "+31705550199", "0031705550199", "31705550199"}).Draw(t, "form")
		var in strings.Builder
		in.WriteString(rapid.SampledFrom([]string{"", "tel:", "*31*", "Jan ", "a: "}).Draw(t, "before"))
		for i, c := range number {
			if i > 0 {
				in.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "-", ".", " - "}).Draw(t, "separator"))
			}
			in.WriteRune(c)
		}
		in.WriteString(rapid.SampledFrom([]string{"", " (x)", "@example.nl", ";user=phone"}).Draw(t, "after"))
		var out bytes.Buffer
		text := "date,called\n2026-12-02,\"" + in.String() + "\"\n"
		res, err := bills.Shield(ctx, strings.NewReader(text), &out, list(), bills.Options{Columns: []string{"called"}, Date: "date", Plan: p})
		if err != nil || res.Masked != 1 || strings.Count(out.String(), "*")-strings.Count(text, "*") != 4 {
			t.Fatalf("%q: %q, %v", text, out.String(), err)
		}
	})
}

// NV4: numbers and dates, nothing else.
func TestExport(t *testing.T) {
	var out bytes.Buffer
	err := bills.Export(&out, []bills.Entry{
		{Number: shielded, From: december},
		{Number: open, From: december - 40},
		{Number: numbering.New(numbering.International, []byte("31612345678")), From: december - 40, Until: december},
		{Number: numbering.New(numbering.International, []byte("31612345679")), From: december, Source: "Other"},
	}, december)
	if want := "+31705550188,2026-10-22\n+31705550199,2026-12-01\n"; err != nil || out.String() != want {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestImport(t *testing.T) {
	got, err := bills.Import(strings.NewReader("\ufeff+31705550199,2026-12-01\r\n\n+4420712345,2026-01-31\n"), "Other")
	if err != nil || len(got) != 2 || got[0] != (bills.Entry{Number: shielded, From: december, Source: "Other"}) {
		t.Errorf("%v", err)
	}
	for _, in := range []string{
		"0705550199,2026-12-01", "+31705550199", "+31705550199,2026-13-01", "+31705550199,2026-12-01,Jan", "+0705550199,2026-12-01",
		"+31705550199,2026-12-01\n+31705550199,2027-01-01", strings.Repeat("9", 300) + "\n",
	} {
		_, err := bills.Import(strings.NewReader(in), "Other")
		if err == nil || strings.Contains(err.Error(), "0199") {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

func TestProgress(t *testing.T) {
	in := "date,called\n" + strings.Repeat("2026-12-02,0705550199\n", 150_000)
	var told []int
	res, err := bills.Shield(ctx, strings.NewReader(in), new(bytes.Buffer), list(), bills.Options{
		Columns: []string{"called"}, Date: "date", Plan: plan(t), Progress: func(r bills.Result) { told = append(told, r.Rows) },
	})
	if err != nil || fmt.Sprint(told) != "[100000 150000]" || res.Masked != 150_000 || res.Bytes != int64(len(in)) {
		t.Errorf("%v, %+v, %v", told, res, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := bills.Shield(stopped, strings.NewReader(in), new(bytes.Buffer), list(), bills.Options{Columns: []string{"called"}, Date: "date", Plan: plan(t)}); err == nil {
		t.Error("not stopped")
	}
}

func TestDateOfIsLocal(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // 30 November in UTC
	if bills.DateOf(at) != december || december.String() != "2026-12-01" {
		t.Errorf("%s", bills.DateOf(at))
	}
}
