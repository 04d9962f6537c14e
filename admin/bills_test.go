package admin_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
	"clirgate/casework"
	"clirgate/casework/bills"
)

var never time.Time

func date(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// NV1, NV2, NV4: bills masked, lists for and from other providers.
func TestBills(t *testing.T) {
	a := newAPI(t)
	bea := a.person(token.Billing, "bea")
	if err := a.office.bills.Put(context.Background(), casework.Actor{Name: "bea"}, bills.Entry{Number: number("31705550199"), From: bills.DateOf(date(t, "2026-12-01"))}); err != nil {
		t.Fatal(err)
	}
	csv := "Content-Type: text/csv"
	in := "date,called,to\n2026-12-02,0705550199,x\n2026-11-30,0705550199,x\n2026-12-02,0800-0402,112\n"
	want := strings.Replace(in, "2026-12-02,0705550199", "2026-12-02,070555****", 1)
	r := a.as(bea.plain, "POST", "/v1/bills:shield?column=called&date=date", in, csv)
	if r.status != 200 || r.body != want {
		t.Errorf("%d %q", r.status, r.body)
	}
	a.want(a.as(bea.plain, "POST", "/v1/bills:shield?column=calls&date=date", in, csv), 400, "column")
	a.want(a.as(bea.plain, "POST", "/v1/bills:shield?date=date", in, csv), 400, "column")
	a.want(a.as(bea.plain, "POST", "/v1/bills:shield?column=called", in, csv), 400, "date")
	a.want(a.as(bea.plain, "POST", "/v1/bills:shield?column=called&date=date", in), 415, "Content-Type")

	if r := bea.get("/v1/shielded-numbers"); r.body != "+31705550199,2026-12-01\n" {
		t.Errorf("%d %q", r.status, r.body)
	}
	if r := a.as(bea.plain, "POST", "/v1/shielded-numbers?source=other", "+31705550188,2026-01-01\n", csv); r.status != 200 || r.json["numbers"] != 1.0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.as(bea.plain, "POST", "/v1/shielded-numbers?source=other", "+31705550188,2026-01-01,name\n", csv); r.status != 422 || strings.Contains(r.body, "0188") {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.as(bea.plain, "POST", "/v1/shielded-numbers", "+31705550188,2026-01-01\n", csv), 400, "source")
	if r := a.as(bea.plain, "POST", "/v1/bills:shield?column=called&date=date", "date;called\n2026-12-02;+31 70 555 01 88\n", csv); r.body != "date;called\n2026-12-02;+31 70 555 ** **\n" {
		t.Errorf("%d %q", r.status, r.body)
	}
}

// A bill comes back while it is sent: the answer's rows are read before the next ones are
// written, so that nobody needs to hold it. Its trailers count.
func TestBillsAreStreamed(t *testing.T) {
	a := newAPI(t)
	if err := a.office.bills.Put(context.Background(), casework.Actor{Name: "bea"}, bills.Entry{Number: number("31705550199"), From: 1}); err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	req, err := http.NewRequest("POST", a.url+"/v1/bills:shield?column=called&date=date", read)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token(token.Billing, "bea", never))
	req.Header.Set("Content-Type", "text/csv")
	const rounds, rows = 40, 5000
	block := strings.Repeat("2026-12-02,0705550199\n", rows)
	next := make(chan struct{}, rounds)
	next <- struct{}{}
	go func() {
		_, _ = io.WriteString(write, "date,called\n")
		for range rounds {
			<-next
			_, _ = io.WriteString(write, block)
		}
		_ = write.Close()
	}()
	res, err := a.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, n := bufio.NewScanner(res.Body), 0
	for out.Scan() {
		if line := out.Bytes(); n > 0 && !bytes.Equal(line, []byte("2026-12-02,070555****")) {
			t.Fatalf("row %d: %q", n, line)
		}
		// What the gateway holds is bounded: long before a block is whole, most of it is here.
		if n++; n%rows == rows*2/3 {
			next <- struct{}{}
		}
	}
	if err := out.Err(); err != nil || n != rounds*rows+1 || res.Trailer.Get("Shield-Masked") != fmt.Sprint(rounds*rows) || res.Trailer.Get("Shield-Rows") != fmt.Sprint(rounds*rows) {
		t.Errorf("%d rows, %v, trailers %v", n, err, res.Trailer)
	}
}

// What goes wrong in the middle is no whole bill.
func TestBrokenBill(t *testing.T) {
	a := newAPI(t)
	body := "date,called\n" + strings.Repeat("2026-12-02,0705550199\n", 20_000) + `2026-12-02,"` + strings.Repeat("x", 2<<20)
	req, err := http.NewRequest("POST", a.url+"/v1/bills:shield?column=called&date=date", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token(token.Billing, "bea", never))
	req.Header.Set("Content-Type", "text/csv")
	res, err := a.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Errorf("half a bill looks whole: %v", res.Trailer)
	}
}
