package admin_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"clirgate/admin"
	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// parts stand in for what the gateway gives the API.
type parts struct {
	mu      sync.Mutex
	drained bool
	log     []audit.Entry
	asked   []admin.Question
	fails   error
	logOff  bool // the audit log cannot be written
	nodes   []rules.Node
}

func (p *parts) fill(o *admin.Options) {
	p.nodes = []rules.Node{{Name: "gw1", Revision: 1 << 40}}
	o.Peers, o.Explainer, o.Audit, o.Nodes = p, p, (*auditLog)(p), p
	o.Status = func() admin.Status { return admin.Status{Node: "gw1", State: "serving", Started: time.Now()} }
	o.Extra = []admin.Route{{Method: "GET", Path: "/metrics", Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("text/plain")
		ctx.SetBodyString("clirgate_up 1\n")
	}}}
}

func number(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

func (p *parts) Peers() []admin.Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := admin.Peer{Name: "core x", Boundary: "trusted", State: "up"}
	if p.drained {
		peer.State = "drained"
	}
	return []admin.Peer{peer}
}

func (p *parts) DrainPeer(name string, drained bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == "core x" {
		p.drained = drained
	}
	return name == "core x"
}

func (p *parts) Explain(_ context.Context, q admin.Question, proposed []rules.Subscriber) (*admin.Explanation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	switch {
	case p.fails != nil:
		return nil, p.fails
	case q.Peer == "":
		return nil, &rules.FieldError{Field: "peer", Wrong: "is missing", Mend: "give it"}
	}
	e := &admin.Explanation{Name: q.Name, Decision: &admin.Decision{Class: "N", Rule: "D8"}, Source: admin.Source{Peer: q.Peer}}
	if len(proposed) > 0 {
		e.Decision = &admin.Decision{Class: "W", Rule: "D2", Effects: []string{"x"}}
		e.Answer = &admin.Answer{Status: 433, Reason: "Anonymity Disallowed"}
	}
	return e, nil
}

func (p *parts) List(context.Context) ([]rules.Node, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.nodes), p.fails
}

func (p *parts) WaitAll(ctx context.Context, revision uint64) error {
	for {
		list, _ := p.List(ctx)
		i := slices.IndexFunc(list, func(n rules.Node) bool { return n.Live() && n.Revision < revision })
		if i < 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return &rules.LaggingError{Revision: revision, Nodes: []string{list[i].Name}}
		case <-time.After(time.Millisecond):
		}
	}
}

// auditLog is an audit.Log in memory.
type auditLog parts

func (l *auditLog) Append(_ context.Context, e audit.Entry) (audit.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logOff {
		return e, audit.ErrUnavailable
	}
	e = e.After(l.head())
	l.log = append(l.log, e)
	return e, nil
}

func (l *auditLog) head() audit.Head {
	if len(l.log) == 0 {
		return audit.Head{}
	}
	return l.log[len(l.log)-1].Head()
}

func (l *auditLog) Read(_ context.Context, q audit.Query) (list []audit.Entry, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.log {
		if e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) && (q.Actor == "" || q.Actor == e.Actor) && (q.Outcome == "" || q.Outcome == e.Outcome) {
			list = append(list, e)
		}
	}
	if q.Newest {
		slices.Reverse(list)
	}
	return list[:min(len(list), q.Bound())], nil
}

func (l *auditLog) Head(context.Context) (audit.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head(), nil
}
