package admin

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"clirgate/admin/token"
	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"
)

// Route is one endpoint and who may use it.
type Route struct {
	Method  string
	Path    string       // as /v1/peers/{name} or /v1/peers/{name}:drain; parameters arrive percent-encoded
	Roles   []token.Role // none: every token
	Open    bool         // no token needed
	Stream  bool         // the handler reads the body itself
	MaxBody int          // bytes [64 KiB]
	Audited bool         // written down although it changes nothing
	Logged  bool         // the store writes down what is done: only refusals are left
	Secret  bool         // what it answers is not kept for an idempotency key
	People  bool         // so is not what tells of people: who asks again looks again, and is written down
	Handler fasthttp.RequestHandler
}

// routes is the API, in the order of DESIGN 6.3.
func (s *Server) routes() []Route {
	noc, privacy, administrator := []token.Role{token.NOC}, []token.Role{token.Privacy}, []token.Role{token.Admin}
	return []Route{
		{Method: "GET", Path: "/healthz", Open: true, Handler: s.healthz},
		{Method: "GET", Path: "/readyz", Handler: s.readyz},
		{Method: "GET", Path: "/openapi.yaml", Handler: s.openAPI},
		{Method: "GET", Path: "/v1/whoami", Handler: s.whoami},
		{Method: "GET", Path: "/v1/subscribers/{number}", Roles: noc, Handler: s.getSubscriber},
		{Method: "PUT", Path: "/v1/subscribers/{number}", Roles: noc, Logged: true, Handler: s.putSubscriber},
		{Method: "DELETE", Path: "/v1/subscribers/{number}", Roles: noc, Logged: true, Handler: s.deleteSubscriber},
		{Method: "POST", Path: "/v1/subscribers:import", Roles: noc, Stream: true, Handler: s.importSubscribers},
		{Method: "GET", Path: "/v1/subscribers:export", Roles: noc, Audited: true, Handler: s.exportSubscribers},
		{Method: "GET", Path: "/v1/jobs", Roles: noc, Handler: s.listJobs},
		{Method: "GET", Path: "/v1/jobs/{id}", Roles: noc, Handler: s.getJob},
		{Method: "POST", Path: "/v1/jobs/{id}:cancel", Roles: noc, Handler: s.cancelJob},
		{Method: "POST", Path: "/v1/jobs/{id}:resume", Roles: noc, Handler: s.resumeJob},
		{Method: "POST", Path: "/v1/jobs/{id}:revert", Roles: noc, Handler: s.revertJob},
		{Method: "GET", Path: "/v1/changes", Roles: noc, Handler: s.listChanges},
		{Method: "POST", Path: "/v1/changes/{revision}:revert", Roles: noc, Logged: true, Handler: s.revertChange},
		{Method: "POST", Path: "/v1/explain", Roles: noc, MaxBody: maxExplain, Handler: s.explain},
		{Method: "POST", Path: "/v1/explain:change", Roles: noc, MaxBody: maxExplain, Handler: s.explainChange},
		{Method: "GET", Path: "/v1/peers", Roles: noc, Handler: s.listPeers},
		{Method: "POST", Path: "/v1/peers/{name}:drain", Roles: noc, Handler: s.drainPeer},
		{Method: "POST", Path: "/v1/peers/{name}:resume", Roles: noc, Handler: s.resumePeer},
		{Method: "GET", Path: "/v1/nodes", Roles: noc, Handler: s.listNodes},
		{Method: "GET", Path: "/v1/status", Roles: noc, Handler: s.status},
		{Method: "GET", Path: "/v1/profile", Roles: noc, Audited: true, Handler: s.profile},
		{Method: "GET", Path: "/v1/audit", Roles: privacy, Audited: true, Handler: s.listAudit},
		{Method: "GET", Path: "/v1/audit:export", Roles: privacy, Audited: true, Handler: s.exportAudit},
		{Method: "GET", Path: "/v1/audit:verify", Roles: privacy, Handler: s.verifyAudit},
		{Method: "GET", Path: "/v1/tokens", Roles: administrator, Audited: true, Handler: s.listTokens},
		{Method: "POST", Path: "/v1/tokens", Roles: administrator, Secret: true, Handler: s.createToken},
		{Method: "DELETE", Path: "/v1/tokens/{token}", Roles: administrator, Handler: s.revokeToken},
	}
}

// Routes is every endpoint.
func (s *Server) Routes() []Route {
	return slices.Concat(s.routes(), s.caseRoutes(), s.rightsRoutes(), s.billingRoutes(), s.Extra)
}

// register gives the router all routes. It cannot tell verbs behind a parameter apart, so
// those of one path are one route to it.
func (s *Server) register(r *router.Router) {
	verbs := map[[2]string]map[string]fasthttp.RequestHandler{}
	for _, route := range s.Routes() {
		stem, verb, ok := strings.Cut(route.Path, "}:")
		if !ok {
			r.Handle(route.Method, route.Path, s.guard(route))
			continue
		}
		key := [2]string{route.Method, stem}
		if verbs[key] == nil {
			verbs[key] = map[string]fasthttp.RequestHandler{}
			r.Handle(route.Method, stem+":[^:]+}:{verb}", func(ctx *fasthttp.RequestCtx) {
				handler := verbs[key][ctx.UserValue("verb").(string)]
				if handler == nil {
					handler = r.NotFound
				}
				handler(ctx)
			})
		}
		verbs[key][verb] = s.guard(route)
	}
}

func (s *Server) healthz(ctx *fasthttp.RequestCtx) {
	writeJSON(ctx, fasthttp.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) readyz(ctx *fasthttp.RequestCtx) {
	if err := s.Ready(); err != nil {
		ctx.Response.Header.Set("Retry-After", retryAfterSec)
		problem{Status: fasthttp.StatusServiceUnavailable, Type: "not-ready", Title: "The gateway is not ready", Detail: err.Error()}.write(ctx)
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]string{"status": "ready"})
}

func (s *Server) whoami(ctx *fasthttp.RequestCtx) {
	holder, _ := Holder(ctx)
	answer := map[string]any{"id": holder.ID, "name": holder.Name, "role": holder.Role, "expires": nil}
	if !holder.Expires.IsZero() {
		answer["expires"] = holder.Expires
	}
	writeJSON(ctx, fasthttp.StatusOK, answer)
}

func typeOf(v any) string { return fmt.Sprintf("%T", v) }

// place is where a panic began, as "file.go:line".
func place() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	panicked := false
	for {
		f, more := frames.Next()
		if panicked && f.Function != "runtime.panicmem" && f.Function != "runtime.sigpanic" {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "unknown"
		}
	}
}
