package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ctl runs clirctl against a handler and answers what it prints and its exit code.
func ctl(t *testing.T, h http.HandlerFunc, args ...string) (out, errs string, code int) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	t.Setenv("CLIRCTL_TOKEN", "secret")
	t.Setenv("CLIRCTL_SERVER", s.URL)
	var o, e bytes.Buffer
	code = run(args, strings.NewReader(""), &o, &e)
	return o.String(), e.String(), code
}

// A claim that lacks something is answered with everything it lacks.
func TestMissingPartsAreNamed(t *testing.T) {
	_, errs, code := ctl(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(422)
		fmt.Fprint(w, `{"title":"Something is missing","missing":[{"field":"nuisance","what":"c) nature"},{"field":"number","what":"b) the number"}]}`)
	}, "case", "open", "--name=x")
	if code != exitWrong || !strings.Contains(errs, "nuisance: c) nature") || !strings.Contains(errs, "number: b) the number") {
		t.Errorf("%d %s", code, errs)
	}
}

// A bill is there whole or not at all, and it is said what was done.
func TestBillsShield(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
	if err := os.WriteFile(in, []byte("date,b\n2026-01-01,0705550199\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	another, broken := "0", false
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.RawQuery != "column=b&date=date" || r.Header.Get("Content-Type") != "text/csv" {
			t.Errorf("asked with %s", r.URL.RawQuery)
		}
		w.Header().Set("Trailer", "Shield-Rows, Shield-Masked, Shield-Without-Date, Shield-In-Other-Column")
		_, _ = w.Write(bytes.ReplaceAll(body, []byte("0199"), []byte("****")))
		if broken {
			panic(http.ErrAbortHandler)
		}
		for name, v := range map[string]string{"Shield-Rows": "1", "Shield-Masked": "1", "Shield-Without-Date": "0", "Shield-In-Other-Column": another} {
			w.Header().Set(name, v)
		}
	}
	args := []string{"bills", "shield", in, out, "--column=b"}
	if _, errs, code := ctl(t, h, args...); code != 0 || !strings.Contains(errs, "1 rows, 1 masked, 0 without a date") {
		t.Errorf("%d %s", code, errs)
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "date,b\n2026-01-01,070555****\n" {
		t.Errorf("%q %v", b, err)
	}
	another = "3"
	if _, errs, code := ctl(t, h, args...); code != exitUnwell || !strings.Contains(errs, "in 3 rows") {
		t.Errorf("%d %s", code, errs)
	}
	broken = true
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	if _, _, code := ctl(t, h, args...); code != exitUnavailable {
		t.Errorf("half a bill: %d", code)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

// Late requests and records that are not whole cost an exit code that scripts can see.
func TestWhatIsNotWell(t *testing.T) {
	for _, c := range []struct {
		answer string
		code   int
		args   []string
	}{
		{`{"requests":[]}`, 0, []string{"subject", "requests", "--overdue"}},
		{`{"requests":[{"id":"1","right":"access","overdue":true}]}`, exitUnwell, []string{"subject", "requests", "--overdue"}},
		{`{"whole":true,"records":2,"readable":2}`, 0, []string{"records", "verify"}},
		{`{"whole":false,"records":2,"readable":1,"fault":"no key"}`, exitUnwell, []string{"records", "verify"}},
		{`{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","k":10,"by":["peer"],"cells":[{"values":["a"],"calls":12}],"total":12}`, 0, []string{"report", "--from=24h", "--by=peer"}},
		{`{"subjects":[{"number":"+31205550101","times":2}]}`, 0, []string{"subject", "seen", "ivo", "--from=1h"}},
		{`{"orders":[{"id":"1","state":"asked"}]}`, 0, []string{"order", "list"}},
		{`{"source":"other","numbers":3}`, 0, []string{"shielded", "import", "-", "--source=other"}},
	} {
		out, errs, code := ctl(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.answer) }, c.args...)
		if code != c.code || out == "" {
			t.Errorf("%v: %d, want %d\n%s%s", c.args, code, c.code, out, errs)
		}
	}
}

// The answer to an order goes where the one who enters it says, and comes as a page too.
func TestOrderLetter(t *testing.T) {
	var got struct{ To map[string]string }
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + r.URL.Path {
		case "POST/v1/orders":
			_ = json.NewDecoder(r.Body).Decode(&got)
			fmt.Fprint(w, `{"id":"1","state":"asked"}`)
		case "GET/v1/orders/1/letter":
			fmt.Fprint(w, "<!DOCTYPE html>")
		default:
			http.NotFound(w, r)
		}
	}
	args := []string{"order", "open", "+31205550101", "--authority=OM", "--reference=1", "--ground=126n", "--from=24h", "--to=1h", "--made", "--answer-town=Den Haag", "--answer-language=en"}
	if _, errs, code := ctl(t, h, args...); code != 0 || got.To["town"] != "Den Haag" || got.To["language"] != "en" {
		t.Errorf("%d %s %v", code, errs, got)
	}
	if out, errs, code := ctl(t, h, "order", "letter", "1"); code != 0 || out != "<!DOCTYPE html>" {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

func TestVerifyWantsEvidence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "e.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args []string
	}{{exitUnwell, []string{file}}, {exitWrong, []string{file + "x"}}, {exitWrong, []string{file, "--key=short"}}} {
		if _, errs, code := ctl(t, http.NotFound, append([]string{"case", "verify"}, c.args...)...); code != c.code {
			t.Errorf("%v: %d %s", c.args, code, errs)
		}
	}
}

// Who complains and of what comes from a file or standard input; no error quotes it.
func TestClaimIsReadFromAFile(t *testing.T) {
	const claim = `{"claimant":{"name":"Klaas Klager","address":"Kerkplein 7","postcode":"9876 ZX","town":"Verweg"},"number":"070 555 0199","nuisance":"hijgt","periods":[{"from":"2026-11-01T02:00:00Z"}]}`
	file := filepath.Join(t.TempDir(), "claim.json")
	if err := os.WriteFile(file, []byte(claim), 0o600); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	h := func(w http.ResponseWriter, r *http.Request) {
		got = nil
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, `{"id":"C1"}`)
	}
	_, errs, code := ctl(t, h, "case", "open", "--from", file, "--at=2026-11-02T02:00:00Z", "--town=Elders")
	if who, _ := got["claimant"].(map[string]any); code != 0 || who["name"] != "Klaas Klager" || who["town"] != "Elders" || len(got["periods"].([]any)) != 2 || got["number"] != "070 555 0199" {
		t.Errorf("%d %s: %v", code, errs, got)
	}
	s := httptest.NewServer(http.HandlerFunc(h))
	defer s.Close()
	t.Setenv("CLIRCTL_SERVER", s.URL)
	var out, problems bytes.Buffer
	if code := run([]string{"case", "open", "--from=-"}, strings.NewReader(claim), &out, &problems); code != 0 || got["nuisance"] != "hijgt" {
		t.Errorf("%d %s: %v", code, problems.String(), got)
	}
	for _, bad := range []string{"", `{"claimant":"Klaas Klager"}`, `{"claimant":{"name":"Klaas Klager"`, `Klaas Klager`, `{"periods":[{"from":"Klaas Klager"}]}`, `{"unknown":1}`} {
		problems.Reset()
		if code := run([]string{"case", "open", "--from=-"}, strings.NewReader(bad), &out, &problems); code != exitWrong || strings.Contains(problems.String(), "Klaas") {
			t.Errorf("%q: %d %s", bad, code, problems.String())
		}
	}
	problems.Reset()
	if code := run([]string{"--token-file=-", "case", "open", "--from=-"}, strings.NewReader(claim), &out, &problems); code != exitWrong || !strings.Contains(problems.String(), "token") {
		t.Errorf("%d %s", code, problems.String())
	}
	if code := run([]string{"subject", "correct", "R1", "call", "-", "--why=x"}, strings.NewReader(`{"record":"R","note":"n"}`), &out, &problems); code != 0 || got["of"] != "call" || got["to"].(map[string]any)["note"] != "n" {
		t.Errorf("%d %s: %v", code, problems.String(), got)
	}
}
