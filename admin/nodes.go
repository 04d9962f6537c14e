package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// Nodes is the gateways that share the rules, this one included: a *rules.Follower.
type Nodes interface {
	List(ctx context.Context) ([]rules.Node, error)
	// WaitAll waits until every live node has a revision: *rules.LaggingError when ctx
	// ends before.
	WaitAll(ctx context.Context, revision uint64) error
}

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
	list, err := s.Nodes.List(wait)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	newest := s.Rules.Drift().Newest
	for i := range list {
		newest = max(newest, list[i].Revision)
	}
	out := []Node{}
	for _, n := range list {
		out = append(out, Node{
			Name: n.Name, Revision: n.Revision, Age: n.Age.Seconds(), Seen: s.Now().Add(-n.Age).UTC(),
			Live: n.Live(), Behind: newest - n.Revision,
		})
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"nodes": out})
}

const everywhereTime = 5 * time.Second

// everywhere waits, when the request asks for it with ?wait=all, until a revision is in
// force on every live node. It answers false when that has not come about, which has been
// answered: the change is made all the same.
func (s *Server) everywhere(ctx *fasthttp.RequestCtx, revision uint64) bool {
	if !everywhereAsked(ctx) || s.Nodes == nil {
		return true
	}
	wait, cancel := context.WithTimeout(context.Background(), everywhereTime)
	defer cancel()
	err := s.Nodes.WaitAll(wait, revision)
	if err == nil {
		return true
	}
	p := problem{Status: fasthttp.StatusGatewayTimeout, Type: "not-everywhere", Title: "The change is made, but not in force on every node yet",
		Mend: "GET /v1/nodes shows who is behind; the change needs no repeating"}
	var behind *rules.LaggingError
	if errors.As(err, &behind) {
		p.Detail = strings.Join(behind.Nodes, ", ")
	}
	ctx.Response.Header.Set("ETag", etag(revision))
	p.write(ctx)
	return false
}

func everywhereAsked(ctx *fasthttp.RequestCtx) bool {
	return string(ctx.QueryArgs().Peek("wait")) == "all"
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
