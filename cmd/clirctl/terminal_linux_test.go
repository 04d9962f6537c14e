package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a terminal with somebody in front of it.
type terminal struct {
	*os.File          // what a program has of it
	keys     *os.File // and who types
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { keys.Close() })
	err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return &terminal{tty, keys}
}

// echoes tells whether what is typed is shown.
func (tty *terminal) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// server answers with v and keeps what it was sent.
func server(t *testing.T, v string) (sent chan string) {
	t.Helper()
	sent = make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent <- r.Header.Get("Authorization") + " " + string(body)
		fmt.Fprint(w, v)
	}))
	t.Cleanup(s.Close)
	t.Setenv("CLIRCTL_SERVER", s.URL)
	t.Setenv("CLIRCTL_TOKEN_FILE", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	return sent
}

// A token is asked for where nothing else names one, and is not shown while it is typed.
func TestTokenIsAskedFor(t *testing.T) {
	sent, tty := server(t, `{"jobs":[]}`), newTerminal(t)
	t.Setenv("CLIRCTL_TOKEN", "")
	hidden := make(chan bool)
	go func() {
		end := time.Now().Add(30 * time.Second)
		for tty.echoes(t) && time.Now().Before(end) {
			time.Sleep(time.Millisecond)
		}
		hidden <- !tty.echoes(t)
		fmt.Fprint(tty.keys, "geheim\n")
	}()
	var out, errs bytes.Buffer
	code := make(chan int)
	go func() { code <- run([]string{"job", "list"}, tty.File, &out, &errs) }()
	if !<-hidden {
		t.Error("what is typed is shown")
	}
	if n := <-code; n != 0 || errs.String() != "Token: \n" || strings.Contains(out.String(), "geheim") {
		t.Errorf("%d %q %q", n, out.String(), errs.String())
	}
	if got := <-sent; got != "Bearer geheim " {
		t.Errorf("sent %q", got)
	}
	if !tty.echoes(t) {
		t.Error("the terminal stays silent")
	}
	// Two words are no token; nothing is asked with them.
	fmt.Fprint(tty.keys, "ge heim\n")
	if n := run([]string{"job", "list"}, tty.File, &out, &errs); n != exitWrong || !strings.Contains(errs.String(), "not one token") || len(sent) > 0 {
		t.Errorf("%d %q", n, errs.String())
	}
	// Nobody sits at a pipe.
	errs.Reset()
	if n := run([]string{"job", "list"}, strings.NewReader("geheim\n"), &out, &errs); n != exitWrong || !strings.Contains(errs.String(), "set CLIRCTL_TOKEN") {
		t.Errorf("%d %q", n, errs.String())
	}
}

// A claim is asked for part by part where none is given.
func TestClaimIsAskedFor(t *testing.T) {
	sent, tty := server(t, `{}`), newTerminal(t)
	t.Setenv("CLIRCTL_TOKEN", "secret")
	typed := "Jan Jansen\n  Dorpsstraat 1 \n1234 AB\nOns Dorp\n0201234567\ndreigt, elke nacht\n2026-11-01T02:00:00Z, 2026-11-02T02:00:00Z/2026-11-02T03:00:00Z\n"
	if _, err := io.WriteString(tty.keys, typed); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if n := run([]string{"case", "open", "--language=en"}, tty.File, &out, &errs); n != 0 {
		t.Fatalf("%d %s", n, errs.String())
	}
	for _, question := range []string{"a) Name", "Street", "Postcode", "Town", "b) The number", "c) Nature", "d) Times"} {
		if !strings.Contains(errs.String(), question) {
			t.Errorf("%q is not asked: %q", question, errs.String())
		}
	}
	got := <-sent
	for _, want := range []string{
		`"name":"Jan Jansen"`, `"address":"Dorpsstraat 1"`, `"postcode":"1234 AB"`, `"town":"Ons Dorp"`, `"language":"en"`, `"number":"0201234567"`,
		`"nuisance":"dreigt, elke nacht"`, `"from":"2026-11-01T02:00:00Z"`, `"from":"2026-11-02T02:00:00Z","to":"2026-11-02T03:00:00Z"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not sent: %s", want, got)
		}
	}
	// What is given is not asked for; nor is one whose standard input is the token's.
	if _, err := io.WriteString(tty.keys, "secret\n"); err != nil { // for the second
		t.Fatal(err)
	}
	for _, args := range [][]string{{"case", "open", "--name=x"}, {"case", "open", "--token-file=-"}} {
		errs.Reset()
		if n := run(args, tty.File, &out, &errs); n != 0 || strings.Contains(errs.String(), "Name") {
			t.Errorf("%v: %d %q", args, n, errs.String())
		}
		<-sent
	}
	// Times that are none are said before anything is sent.
	errs.Reset()
	if _, err := io.WriteString(tty.keys, strings.Replace(typed, "2026-11-01T", "gisteren ", 1)); err != nil {
		t.Fatal(err)
	}
	if n := run([]string{"case", "open"}, tty.File, &out, &errs); n != exitWrong || !strings.Contains(errs.String(), "--at: ") || len(sent) > 0 {
		t.Errorf("%d %q", n, errs.String())
	}
}
