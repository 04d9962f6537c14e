package admin

import (
	"context"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// Node is one gateway of those that share the rules.
type Node struct {
	Name     string    `json:"name"`
	Revision uint64    `json:"revision"`    // in force there
	Age      float64   `json:"age_seconds"` // since it was heard of
	Seen     time.Time `json:"seen"`
	Live     bool      `json:"live"`
	Behind   uint64    `json:"behind"` // revisions it has still to apply
}

func (s *Server) listNodes(ctx *fasthttp.RequestCtx) {
	if s.Nodes == nil {
		absent(ctx)
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	list, err := s.Nodes(wait)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"nodes": append([]Node{}, list...)})
}

const (
	everywhereTime = 5 * time.Second
	everywhereLook = 50 * time.Millisecond
)

// everywhere waits, when the request asks for it with ?wait=all, until a revision is in
// force on every live node. It answers false when that has not come about, which has been
// answered: the change is made all the same.
func (s *Server) everywhere(ctx *fasthttp.RequestCtx, revision uint64) bool {
	if string(ctx.QueryArgs().Peek("wait")) != "all" || s.Nodes == nil {
		return true
	}
	wait, cancel := context.WithTimeout(context.Background(), everywhereTime)
	defer cancel()
	for {
		list, err := s.Nodes(wait)
		behind := behind(list, revision)
		if err == nil && len(behind) == 0 {
			return true
		}
		select {
		case <-wait.Done():
			ctx.Response.Header.Set("ETag", etag(revision))
			problem{Status: fasthttp.StatusGatewayTimeout, Type: "not-everywhere", Title: "The change is made, but not in force on every node yet",
				Detail: strings.Join(behind, ", "), Mend: "GET /v1/nodes shows who is behind; the change needs no repeating"}.write(ctx)
			return false
		case <-time.After(everywhereLook):
		}
	}
}

// behind names the live nodes that have not got a revision.
func behind(list []Node, revision uint64) (names []string) {
	for _, n := range list {
		if n.Live && n.Revision < revision {
			names = append(names, n.Name)
		}
	}
	return names
}

// waits checks the parameter wait before anything is changed.
func waits(ctx *fasthttp.RequestCtx) bool {
	switch string(ctx.QueryArgs().Peek("wait")) {
	case "", "all":
		return true
	}
	badField("wait", "is unknown", "give all, or leave it out").write(ctx)
	return false
}
