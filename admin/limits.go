package admin

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"
)

const (
	defaultRate = 50
	burstTime   = 4    // seconds of the rate that may come at once
	maxLimiters = 4096 // tokens remembered; forgetting one gives it a burst more
)

// limits bounds how often each token may ask.
type limits struct {
	mu sync.Mutex
	m  map[string]*rate.Limiter
}

func (l *limits) allow(id string, perSecond float64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil || len(l.m) >= maxLimiters && l.m[id] == nil {
		l.m = map[string]*rate.Limiter{}
	}
	if l.m[id] == nil {
		l.m[id] = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*burstTime)))
	}
	return l.m[id].AllowN(now, 1)
}

var (
	bodyTooLarge = problem{Status: fasthttp.StatusRequestEntityTooLarge, Type: "body-too-large", Title: "The body is too large", Mend: "send less: 64 KiB, or what the endpoint's description says"}
	tooSlow      = problem{Status: fasthttp.StatusRequestTimeout, Type: "timeout", Title: "The request came too slowly"}
)

// readBody reads a body whose sender is known by now, or writes why it cannot.
func (s *Server) readBody(ctx *fasthttp.RequestCtx, route *Route) bool {
	if !ctx.Request.IsBodyStream() || route.Stream {
		return true
	}
	limit := route.MaxBody
	if limit == 0 {
		limit = maxBody
	}
	// From here on the connection's own time does not count any more.
	if err := ctx.Conn().SetReadDeadline(time.Now().Add(s.http.ReadTimeout)); err != nil {
		tooSlow.write(ctx)
		return false
	}
	body, err := io.ReadAll(io.LimitReader(ctx.RequestBodyStream(), int64(limit)+1))
	var netErr net.Error
	switch {
	case errors.As(err, &netErr) && netErr.Timeout():
		tooSlow.write(ctx)
		return false
	case err != nil:
		problem{Status: fasthttp.StatusBadRequest, Type: "malformed-request", Title: "The body cannot be read"}.write(ctx)
		return false
	case len(body) > limit:
		bodyTooLarge.write(ctx)
		return false
	}
	ctx.Request.SetBodyRaw(body)
	return true
}
