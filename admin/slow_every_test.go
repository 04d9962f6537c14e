package admin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
)

// anyToken is a token store that knows one token, of whatever role is asked for.
type anyToken struct {
	token.Store
	role token.Role
}

func (a *anyToken) TokenByHash(_ context.Context, h token.Hash) (token.Record, error) {
	return token.Record{ID: "x", Hash: h, Role: a.role, Name: "x"}, nil
}

// Whoever sends a body byte by byte is answered and cut off when the time for reading is
// over, at every endpoint that reads one.
func TestEveryEndpointCutsSlowBodiesOff(t *testing.T) {
	tokens := &anyToken{}
	s := New(Options{Tokens: tokens})
	s.http.ReadTimeout = 100 * time.Millisecond
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
	for _, r := range s.Routes() {
		if r.Method == http.MethodGet || r.Stream {
			continue
		}
		tokens.role = token.All
		if len(r.Roles) > 0 {
			tokens.role = r.Roles[0]
		}
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer clirgate_x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", r.Method, strings.NewReplacer("{", "", "}", "").Replace(r.Path))
		data, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(data), "HTTP/1.1 408 ") {
			t.Errorf("%s %s: %v %.100q", r.Method, r.Path, err, data)
		}
		conn.Close()
	}
}
