package admin

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A sender that never ends its request is answered and cut off when the time for
// reading is over; others are served meanwhile.
func TestSlowSenderIsCutOff(t *testing.T) {
	s := New(Options{})
	s.http.ReadTimeout = 200 * time.Millisecond
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	defer func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	send := func(text string) string {
		t.Helper()
		conn, err := net.Dial("tcp", ln.Addr().String())
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
	for _, slow := range []string{
		"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"PUT /v1/subscribers/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	} {
		if got := send(slow); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("%q: %q", slow, got)
		}
	}
	if got := send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("%q", got)
	}
}
