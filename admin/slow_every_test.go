package admin

import (
	"context"
	"fmt"
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
	s, addr := bare(t, Options{Tokens: tokens}, 100*time.Millisecond)
	for _, r := range s.Routes() {
		if r.Method == http.MethodGet || r.Stream {
			continue
		}
		tokens.role = token.All
		if len(r.Roles) > 0 {
			tokens.role = r.Roles[0]
		}
		got := sent(t, addr, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer clirgate_x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", r.Method, strings.NewReplacer("{", "", "}", "").Replace(r.Path)))
		if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("%s %s: %.100q", r.Method, r.Path, got)
		}
	}
}
