package admin

import (
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// A POST with an Idempotency-Key is done once: whoever repeats it gets the first answer
// again. Keys belong to a token and are kept in this node's memory.
const (
	replayTime = 24 * time.Hour
	maxReplays = 10_000
	maxKey     = 200 // bytes
)

// replays are the answers given.
type replays struct {
	mu    sync.Mutex
	m     map[string]*replay
	order []string // oldest first
}

// replay is one answer; status 0: it is being made.
type replay struct {
	request [sha256.Size]byte
	until   time.Time
	status  int
	instead *problem // the answer is not kept; this comes in its place
	headers [][2]string
	body    []byte
}

// kept are the headers that are part of an answer.
var kept = []string{"Content-Type", "ETag", "Location", "Retry-After", "Cache-Control", "X-Content-Type-Options"}

// answer has a request handled, or repeats what was answered before.
func (s *Server) answer(ctx *fasthttp.RequestCtx, route *Route) {
	key, given := header(ctx, "Idempotency-Key")
	if !given || string(ctx.Method()) != fasthttp.MethodPost || route.Stream {
		route.Handler(ctx)
		return
	}
	s.once(ctx, key, route)
}

// once does what a request with an idempotency key asks for, if it was not done.
func (s *Server) once(ctx *fasthttp.RequestCtx, key string, route *Route) {
	if key == "" || len(key) > maxKey {
		badField("Idempotency-Key", "is empty or too long", fmt.Sprintf("give 1 to %d characters that are new for every change", maxKey)).write(ctx)
		return
	}
	holder, _ := Holder(ctx)
	name := holder.ID + " " + key
	r, first := s.replays.begin(name, fingerprint(ctx), s.Now())
	if !first {
		s.repeat(ctx, r)
		return
	}
	defer func() {
		status := ctx.Response.StatusCode()
		if v := recover(); v != nil {
			s.replays.forget(name)
			panic(v) // answered by the router
		}
		if status >= 500 { // was not done, or nobody knows: it may be tried again
			s.replays.forget(name)
			return
		}
		var instead *problem
		switch {
		case status < 300 && route.Secret:
			instead = &shownOnce
		case status < 300 && route.People:
			instead = &doneBefore
		}
		s.replays.done(r, ctx, instead)
	}()
	route.Handler(ctx)
}

// shownOnce is what a repeated request gets whose answer held a secret.
var shownOnce = problem{Status: fasthttp.StatusConflict, Type: "shown-once", Title: "This was done; its answer held a secret and is not kept",
	Field: "Idempotency-Key", Mend: "look up what was made, take it back, and make another with a new key"}

// doneBefore is what a repeated request gets whose answer told of people. Keeping that would
// outlive the case, and repeating it would be a look that nobody writes down.
var doneBefore = problem{Status: fasthttp.StatusConflict, Type: "done-before", Title: "This was done; its answer told of people and is not kept",
	Field: "Idempotency-Key", Mend: "read what was made or changed: where it is new, Location says where; to do it again, give a new key"}

// fingerprint is of all that a request asks for.
func fingerprint(ctx *fasthttp.RequestCtx) (sum [sha256.Size]byte) {
	h := sha256.New()
	_, _ = h.Write(ctx.RequestURI()) // never fails
	_, _ = io.WriteString(h, "\n")
	_, _ = h.Write(ctx.PostBody())
	h.Sum(sum[:0])
	return sum
}

func (s *Server) repeat(ctx *fasthttp.RequestCtx, r *replay) {
	s.replays.mu.Lock()
	defer s.replays.mu.Unlock()
	switch {
	case r.request != fingerprint(ctx):
		problem{Status: fasthttp.StatusUnprocessableEntity, Type: "idempotency-key-reused", Title: "This key came with another request before",
			Field: "Idempotency-Key", Mend: "give every request a key of its own"}.write(ctx)
	case r.status == 0:
		ctx.Response.Header.Set("Retry-After", "1")
		problem{Status: fasthttp.StatusConflict, Type: "in-progress", Title: "The first request with this key is not answered yet",
			Field: "Idempotency-Key", Mend: "wait a second"}.write(ctx)
	default:
		if r.instead != nil {
			r.instead.write(ctx)
		}
		for _, h := range r.headers {
			ctx.Response.Header.Set(h[0], h[1])
		}
		if r.instead != nil {
			return
		}
		ctx.SetStatusCode(r.status)
		ctx.Response.Header.Set("Idempotency-Replayed", "true")
		ctx.SetBody(r.body)
	}
}

// begin answers what is known of a key; first: nothing, and now it is taken.
func (p *replays) begin(name string, request [sha256.Size]byte, now time.Time) (r *replay, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]*replay{}
	}
	if r := p.m[name]; r != nil && now.Before(r.until) {
		return r, false
	}
	for len(p.order) > 0 && (len(p.order) >= maxReplays || p.m[p.order[0]] == nil || !now.Before(p.m[p.order[0]].until)) {
		delete(p.m, p.order[0])
		p.order = p.order[1:]
	}
	r = &replay{request: request, until: now.Add(replayTime)}
	p.m[name], p.order = r, append(p.order, name)
	return r, true
}

func (p *replays) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, name)
}

// done keeps an answer, or what comes in its place.
func (p *replays) done(r *replay, ctx *fasthttp.RequestCtx, instead *problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.status, r.instead = ctx.Response.StatusCode(), instead
	names := kept
	if instead != nil {
		names = []string{"Location"}
	} else {
		r.body = append([]byte(nil), ctx.Response.Body()...)
	}
	for _, name := range names {
		if v := ctx.Response.Header.Peek(name); len(v) > 0 {
			r.headers = append(r.headers, [2]string{name, string(v)})
		}
	}
}
