// Package admin is the HTTP API for operators (DESIGN 6.3): JSON over fasthttp,
// bearer tokens with roles, RFC 9457 problem documents. No endpoint but liveness
// answers without a token, and no number is ever logged.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/rules/bulk"
	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"
)

// TokenStore keeps the tokens; see package token.
type TokenStore = token.Store

// TokenRecord is a token as it is kept.
type TokenRecord = token.Record

// NewToken makes a token. plain is shown once and not kept; the record goes to
// TokenStore.AddToken. A zero expires never ends.
func NewToken(role token.Role, name string, expires time.Time) (plain string, r TokenRecord) {
	return token.New(role, name, expires)
}

// Options is what the API works on. Rules, Tokens and Plan are needed; an endpoint whose
// part is nil answers 501.
type Options struct {
	Rules     *rules.Service
	Tokens    TokenStore
	People    People // nil: only tokens of the gateway's own are taken
	Plan      *numbering.Plan
	Status    func() Status
	Peers     Peers
	Explainer Explainer
	Audit     audit.Log
	Jobs      *bulk.Jobs
	Nodes     Nodes
	Casework  *Casework
	Ready     func() error     // why the gateway is not ready; nil: it always is
	Log       *slog.Logger     // nil: slog.Default
	Now       func() time.Time // nil: time.Now
	Extra     []Route          // endpoints of others, as metrics
	Rate      float64          // requests a second of one token [50]; a burst of four seconds is taken
}

// The limits of one request and connection.
const (
	maxBody       = 64 << 10 // bytes
	maxHeader     = 8 << 10  // bytes
	maxConns      = 512
	readTimeout   = 10 * time.Second // of the whole request: a slow sender is cut off
	writeTimeout  = 10 * time.Second
	idleTimeout   = time.Minute
	storeTimeout  = 5 * time.Second // of one look into a store
	retryAfterSec = "5"
)

// Server is the API.
type Server struct {
	Options
	http    *fasthttp.Server
	limits  limits
	replays replays

	strangers limits
	unwritten unwritten
}

// New makes the API; it listens when Serve is called. Routes that clash are a
// fault of the program and panic.
func New(o Options) *Server {
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rate <= 0 {
		o.Rate = defaultRate
	}
	s := &Server{Options: o}
	s.http = &fasthttp.Server{
		Handler:      s.router().Handler,
		ErrorHandler: s.badRequest,
		ReadTimeout:  readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxRequestBodySize: maxBody, ReadBufferSize: maxHeader, Concurrency: maxConns,
		// Bodies are read when it is known who sends them; see readBody.
		StreamRequestBody: true, DisablePreParseMultipartForm: true,
		NoDefaultServerHeader: true, NoDefaultContentType: true, SecureErrorLogMessage: true,
		CloseOnShutdown: true, Logger: quiet{},
	}
	return s
}

// Serve answers requests until Shutdown; the listener may be a TLS one.
func (s *Server) Serve(ln net.Listener) error { return s.http.Serve(lingering{ln}) }

// Shutdown stops listening and waits for requests under way until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.ShutdownWithContext(ctx)
	if s.Audit != nil {
		s.unwritten.mu.Lock()
		defer s.unwritten.mu.Unlock()
		s.writeUnwritten()
	}
	return err
}

func (s *Server) router() *router.Router {
	r := router.New()
	// A redirect would repeat the path, and with it a number.
	r.RedirectTrailingSlash, r.RedirectFixedPath, r.HandleOPTIONS = false, false, false
	r.NotFound = s.guard(Route{Path: "unknown", Handler: func(ctx *fasthttp.RequestCtx) {
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-endpoint", Title: "There is no such endpoint",
			Mend: "see /openapi.yaml"}.write(ctx)
	}})
	s.register(r)
	r.MethodNotAllowed = s.guard(Route{Path: "unknown", Handler: func(ctx *fasthttp.RequestCtx) {
		problem{Status: fasthttp.StatusMethodNotAllowed, Type: "method-not-allowed", Title: "The endpoint has no such method",
			Mend: "use one of those in the Allow header"}.write(ctx)
	}})
	r.PanicHandler = s.panicked
	return r
}

// badRequest answers what never became a request.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var netErr net.Error
	p := problem{Status: fasthttp.StatusBadRequest, Type: "malformed-request", Title: "The request is not well-formed HTTP"}
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		p = bodyTooLarge
	case errors.As(err, &small):
		p = problem{Status: fasthttp.StatusRequestHeaderFieldsTooLarge, Type: "header-too-large", Title: "The request header is too large", Mend: "send at most 8 KiB"}
	case errors.As(err, &netErr) && netErr.Timeout():
		p = tooSlow
	}
	p.write(ctx)
	linger(ctx)
}

// quiet drops fasthttp's own log lines: they quote requests.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
