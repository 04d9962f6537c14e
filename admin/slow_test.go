package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// bare is a server with a time for reading, and where it listens.
func bare(t *testing.T, o Options, reading time.Duration) (*Server, string) {
	t.Helper()
	s := New(o)
	s.http.ReadTimeout = reading
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return s, ln.Addr().String()
}

// sent is what comes back for a text.
func sent(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A sender that never ends its request is answered and cut off when the time for
// reading is over; others are served meanwhile.
func TestSlowSenderIsCutOff(t *testing.T) {
	_, addr := bare(t, Options{}, 200*time.Millisecond)
	for _, slow := range []string{
		"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"PUT /v1/subscribers/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	} {
		if got := sent(t, addr, slow); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("%q: %q", slow, got)
		}
	}
	if got := sent(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("%q", got)
	}
}
