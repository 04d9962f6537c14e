package lookup_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/lookup"
	"clirgate/numbering"
)

var (
	ctx  = context.Background()
	piet = numbering.New(numbering.International, []byte("31612345678"))
	want = casework.Party{Name: "Piet, P.", Address: "Dorpsstraat 1", Postcode: "1234 AB", Town: "Ons Dorp", Language: "en"}
)

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.csv")
	write := func(text string, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	write("\ufeffNumber,name,address,postcode,town,language\n+31612345678,\"Piet, P.\",Dorpsstraat 1,1234 AB,Ons Dorp,en\n", now)
	book, err := lookup.OpenCSV(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := book.Lookup(ctx, piet); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := book.Lookup(ctx, piet+1); !errors.Is(err, casework.ErrUnknownParty) {
		t.Errorf("%v", err)
	}
	write("number,name,address,postcode,town\n", now.Add(time.Second))
	if _, err := book.Lookup(ctx, piet); !errors.Is(err, casework.ErrUnknownParty) {
		t.Errorf("not read again: %v", err)
	}
	for _, c := range [][2]string{
		{"", "header"},
		{"number,name,address,postcode\n", `"town"`},
		{"number,name,address,postcode,town\n0612345678,a,b,c,d\n", "line 2"},
		{"number,name,address,postcode,town\n+31612345678,a,b,c,d\n+31612345678,a,b,c,d\n", "line 3"},
		{"number,name,address,postcode,town\n+31612345678,a\n", "line 2"},
		{"number,name,address,postcode,town\n+31612345678,\"a,b,c,d\n", "line"},
	} {
		write(c[0], now)
		if _, err := lookup.OpenCSV(path); err == nil || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "612345678") {
			t.Errorf("%q: %v", c[0], err)
		}
	}
}

func TestHTTP(t *testing.T) {
	answer, status := `{"name":"Piet, P.","address":"Dorpsstraat 1","postcode":"1234 AB","town":"Ons Dorp","language":"en"}`, 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || string(body) != `{"number":"+31612345678"}` || r.Header.Get("Authorization") != "Bearer t" || strings.Contains(r.URL.String(), "6123") {
			status = 400
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	book := &lookup.HTTP{URL: s.URL, Token: "t"}
	if got, err := book.Lookup(ctx, piet); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	for code, unknown := range map[int]bool{404: true, 500: false, 302: false, 401: false} {
		status = code
		if _, err := book.Lookup(ctx, piet); err == nil || errors.Is(err, casework.ErrUnknownParty) != unknown {
			t.Errorf("%d: %v", code, err)
		}
	}
	status = 200
	for _, answer = range []string{"", "{}", "<html>", `{"name":`} {
		if _, err := book.Lookup(ctx, piet); err == nil {
			t.Errorf("%q taken for a party", answer)
		}
	}
	s.Close()
	if _, err := book.Lookup(ctx, piet); err == nil || strings.Contains(err.Error(), "6123") {
		t.Errorf("%v", err)
	}
}
